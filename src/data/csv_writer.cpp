#include <zlib.h>

#include <new>

#include "data/csv_header.hpp"
#include "data/csv_number.hpp"
#include "data/csv_table.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"

namespace haywatt::data {
namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

/// Compresses text into a gzip file, piece by piece. No time of writing in it: the same table gives the same bytes.
class Gzip {
 public:
  Gzip() {
    if (::deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Gzip() { ::deflateEnd(&z_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  void write(AtomicFile& file, std::string_view text, bool last) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib's old interface lacks a const
    z_.avail_in = static_cast<uInt>(text.size());
    ByteVector out(block_bytes);
    do {
      z_.next_out = reinterpret_cast<Bytef*>(out.data());
      z_.avail_out = static_cast<uInt>(out.size());
      ::deflate(&z_, last ? Z_FINISH : Z_NO_FLUSH);
      file.append(ByteSpan(out).first(out.size() - z_.avail_out));
    } while (z_.avail_out == 0);
  }

 private:
  z_stream z_{};
};

void check_writable(const Schema& schema) {
  if (schema.columns.empty()) fail_usage("a CSV file needs at least one column and this table has none");
  for (const ColumnInfo& c : schema.columns) {
    if (c.layout != Layout::Flat)
      fail_usage("column " + quoted_name(c.name) +
                 " has more than one value a row and does not fit a CSV file: write an .npz, or choose others with "
                 "--columns");
    if (c.rows != schema.columns.front().rows)
      fail_usage("columns " + quoted_name(schema.columns.front().name) + " and " + quoted_name(c.name) +
                 " differ in length and do not fit one CSV file: write an .npz, or choose with --columns");
  }
  for (const SourceArray& a : schema.arrays) {
    if (a.role == ArrayRole::Carried)
      log::warning("array " + quoted_name(a.key) + " has no place in a CSV file and is left out");
  }
}

std::string make_header(const Schema& schema) {
  if (schema.columns.size() == 1 && schema.columns[0].name.empty()) return "\"\"";
  std::string header;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (i > 0) header += ',';
    header += quote_if_needed(schema.columns[i].name);
  }
  return header;
}

class CsvWriter final : public TableWriter {
 public:
  CsvWriter(const std::string& path, bool gzip, const Schema& schema, AtomicFile::Existing existing)
      : columns_(schema.columns), file_(path, existing) {
    if (gzip) gzip_ = std::make_unique<Gzip>();
    // The header as it was written is kept only if it still has a field for each column.
    std::string header = schema.csv_header;
    separator_ = detect_separator(header);
    if (header.empty() || split_quoted(header, separator_).size() != columns_.size()) {
      header = make_header(schema);
      separator_ = ',';
    }
    text_ = header + "\n";
  }

  void write(const Chunk& chunk) override {
    if (chunk.columns.size() != columns_.size()) fail_input("a chunk of another table: its columns differ in number");
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (chunk.columns[c].rows != chunk.rows || chunk.columns[c].values.size() != chunk.rows * columns_[c].dtype.size)
        fail_input("column " + quoted_name(columns_[c].name) + " has not as many rows as its chunk");
    }
    const std::string_view nan = columns_.size() == 1 ? "nan" : "";  // a line must not be blank
    for (std::uint64_t row = 0; row < chunk.rows; ++row) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (c > 0) text_ += separator_;
        const DType& type = columns_[c].dtype;
        append_number(text_, type, chunk.columns[c].values.data() + row * type.size, nan);
      }
      text_ += '\n';
      if (text_.size() >= block_bytes) flush(false);
    }
    rows_ += chunk.rows;
  }

  void finish() override {
    if (rows_ != columns_.front().rows)
      fail_input("the table ended after " + std::to_string(rows_) + " of " + std::to_string(columns_.front().rows) +
                 " rows");
    flush(true);
    file_.commit();
  }

 private:
  void flush(bool last) {
    if (gzip_) {
      gzip_->write(file_, text_, last);
    } else {
      file_.append(as_byte_span(text_));
    }
    text_.clear();
  }

  std::vector<ColumnInfo> columns_;
  AtomicFile file_;
  std::unique_ptr<Gzip> gzip_;
  char separator_ = ',';
  std::string text_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<TableWriter> create_csv(const std::string& path, bool gzip, const Schema& schema,
                                        AtomicFile::Existing existing) {
  check_writable(schema);
  return std::make_unique<CsvWriter>(path, gzip, schema, existing);
}

}  // namespace haywatt::data
