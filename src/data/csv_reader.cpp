#include <algorithm>
#include <optional>

#include "data/array_rows.hpp"
#include "data/csv_header.hpp"
#include "data/csv_number.hpp"
#include "data/csv_table.hpp"
#include "data/inflate.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;
constexpr std::size_t longest_line = std::size_t{64} << 20;
constexpr std::size_t cell_bytes = 8;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// Turns text, fed in pieces, into rows of 8-byte cells. A column holds int64 until its first cell that is no whole
/// number, and float64 from that row on.
class CsvParser {
 public:
  CsvParser(std::string path, std::uint64_t memory_bytes) : path_(std::move(path)), cells_(memory_bytes) {}

  void feed(ByteSpan piece) {
    std::string_view text = as_text(piece);
    while (!text.empty()) {
      const std::size_t end = have_header_ ? text.find('\n') : find_header_end(text);
      if (end == std::string_view::npos) {
        pending_ += text;
        if (pending_.size() > longest_line) fail("is longer than " + std::to_string(longest_line) + " bytes");
        return;
      }
      if (pending_.empty()) {
        take_line(text.substr(0, end));
      } else {
        pending_ += text.substr(0, end);
        take_line(pending_);
        pending_.clear();
      }
      text.remove_prefix(end + 1);
    }
  }

  void finish() {
    if (!have_header_ && quoted_) fail("opens a quote that is never closed");
    if (!pending_.empty()) take_line(pending_);
    if (!have_header_) fail_input(path_ + " is empty: a header line was expected");
    flush();
  }

  [[nodiscard]] const std::string& header() const { return header_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  /// The row from which each column holds float64; none: it never does.
  [[nodiscard]] const std::vector<std::optional<std::uint64_t>>& real_from() const { return real_from_; }
  [[nodiscard]] std::unique_ptr<ByteSource> cells() { return cells_.finish(); }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    fail_input(path_ + ": line " + std::to_string(line_ + 1) + " " + why);
  }

  /// The first line end outside quotes.
  std::size_t find_header_end(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') quoted_ = !quoted_;
      if (text[i] == '\n' && !quoted_) return i;
    }
    return std::string_view::npos;
  }

  void take_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (have_header_) {
      // Tabs alone are a row of empty cells where the tab separates.
      if (line.find_first_not_of(' ') != std::string_view::npos) take_row(line);
      ++line_;
    } else {
      take_header(line);
      line_ += 1 + static_cast<std::uint64_t>(std::count(line.begin(), line.end(), '\n'));
    }
  }

  void take_header(std::string_view line) {
    if (line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
    if (!is_utf8(line)) fail("is not UTF-8: save the file with this encoding");
    separator_ = detect_separator(line);
    // A blank separator line is a header of unnamed columns; any other blank line is none.
    if (trim_blanks(line).empty() && separator_ != '\t') fail("should be the header and is empty");
    header_ = std::string(line);
    for (const std::string_view field : split_quoted(header_, separator_)) names_.push_back(unquote(field));
    real_from_.resize(names_.size());
    row_.resize(names_.size() * cell_bytes);
    have_header_ = true;
  }

  void take_row(std::string_view line) {
    std::size_t column = 0;
    if (line.find('"') != std::string_view::npos) {
      for (const std::string_view field : split_quoted(line, separator_)) take_cell(column++, unquote(field));
    } else {
      while (true) {
        const std::size_t end = line.find(separator_);
        take_cell(column++, line.substr(0, end));
        if (end == std::string_view::npos) break;
        line.remove_prefix(end + 1);
      }
    }
    if (column != names_.size())
      fail("has " + std::to_string(column) + " cells, the header has " + std::to_string(names_.size()));
    buffer_.insert(buffer_.end(), row_.begin(), row_.end());
    if (buffer_.size() >= block_bytes) flush();
    ++rows_;
  }

  void take_cell(std::size_t column, std::string_view cell) {
    if (column >= names_.size()) return;
    cell = trim_blanks(cell);
    std::byte* const to = row_.data() + column * cell_bytes;
    if (!real_from_[column]) {
      if (const auto whole = parse_whole(cell)) {
        std::memcpy(to, &*whole, cell_bytes);
        return;
      }
      real_from_[column] = rows_;
    }
    const auto real = parse_real(cell);
    if (!real)
      fail("has " + quoted_name(cell) + " in column " + quoted_name(names_[column]) +
           ", which is no number that float64 can hold");
    std::memcpy(to, &*real, cell_bytes);
  }

  void flush() {
    cells_.append(buffer_);
    buffer_.clear();
  }

  std::string path_;
  Spool cells_;
  bool have_header_ = false, quoted_ = false;
  char separator_ = ',';
  std::string header_, pending_;
  std::vector<std::string> names_;
  std::vector<std::optional<std::uint64_t>> real_from_;
  ByteVector row_, buffer_;
  std::uint64_t rows_ = 0, line_ = 0;
};

class CsvTable final : public TableReader {
 public:
  CsvTable(CsvParser& parser, std::uint64_t file_bytes)
      : cells_(parser.cells()), real_from_(parser.real_from()), file_bytes_(file_bytes) {
    place_.rows = parser.rows();
    place_.inner_shape = {parser.names().size()};
    place_.table = true;
    schema_.format = "csv";
    schema_.csv_header = parser.header();
    for (std::size_t i = 0; i < parser.names().size(); ++i) {
      const std::string& name = parser.names()[i];
      const bool whole = !real_from_[i] && place_.rows > 0;
      ColumnInfo c;
      c.name = name;
      c.dtype = DType::parse(whole ? "i8" : "f8");
      c.rows = place_.rows;
      c.source_array = static_cast<std::uint32_t>(i);
      schema_.columns.push_back(std::move(c));
      schema_.arrays.push_back({name, ArrayRole::Column, "", {place_.rows}, false, {}});
    }
  }

  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return file_bytes_; }

  [[nodiscard]] Chunk read(std::uint64_t first_row, std::uint64_t rows) const override {
    Chunk chunk;
    chunk.first_row = first_row;
    const std::uint64_t begin = std::min(first_row, place_.rows);
    chunk.rows = std::min(rows, place_.rows - begin);
    chunk.columns.resize(schema_.columns.size());
    std::vector<ColumnData*> to;
    for (ColumnData& c : chunk.columns) to.push_back(&c);
    read_rows(*cells_, place_, begin, chunk.rows, to);
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (real_from_[i] && *real_from_[i] > begin) whole_to_real(*to[i], std::min(*real_from_[i] - begin, chunk.rows));
    }
    return chunk;
  }

 private:
  /// The first `count` values were stored as int64. The conversion rounds as reading the digits would have.
  static void whole_to_real(ColumnData& c, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::int64_t whole = 0;
      std::memcpy(&whole, c.values.data() + i * cell_bytes, cell_bytes);
      const auto real = static_cast<double>(whole);
      std::memcpy(c.values.data() + i * cell_bytes, &real, cell_bytes);
    }
  }

  Schema schema_;
  ArrayPlace place_;
  std::unique_ptr<ByteSource> cells_;
  std::vector<std::optional<std::uint64_t>> real_from_;
  std::uint64_t file_bytes_;
};

}  // namespace

std::unique_ptr<TableReader> open_csv(const std::string& path, bool gzip, const ReadOptions& options) {
  const auto file = std::make_shared<const InputFile>(path);
  const FileRange text(file);
  CsvParser parser(path, options.memory_bytes);
  if (gzip) {
    inflate(text, DeflateFormat::Gzip, path, [&parser](ByteSpan piece) { parser.feed(piece); });
  } else {
    ByteVector block(block_bytes);
    for (std::uint64_t at = 0; at < text.size();) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, text.size() - at));
      text.read_at(at, std::span(block).first(n));
      parser.feed(ByteSpan(block).first(n));
      at += n;
    }
  }
  parser.finish();
  return std::make_unique<CsvTable>(parser, file->size());
}

}  // namespace haywatt::data
