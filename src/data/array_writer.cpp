#include "data/array_writer.hpp"

#include <optional>
#include <unordered_set>

#include "data/array_rows.hpp"
#include "data/array_table.hpp"
#include "data/descr.hpp"
#include "data/inflate.hpp"
#include "data/npy_header.hpp"
#include "data/utf8.hpp"
#include "data/zip_layout.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

/// One array on its way into a file.
struct OutgoingArray {
  const SourceArray* array = nullptr;
  std::string header;               ///< arrays of numbers only
  std::optional<RowWriter> writer;  ///< arrays of numbers only
  std::uint32_t first_column = 0, columns = 0;

  [[nodiscard]] std::uint64_t bytes() const {
    return writer ? header.size() + writer->place().rows * writer->place().row_bytes() : array->raw.size();
  }
};

/// `schema` must outlive the result.
std::vector<OutgoingArray> plan_arrays(const Schema& schema) {
  std::vector<OutgoingArray> out(schema.arrays.size());
  for (std::size_t i = 0; i < schema.arrays.size(); ++i) out[i].array = &schema.arrays[i];
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const ColumnInfo& info = schema.columns[c];
    if (info.layout == Layout::Jagged)
      fail_usage("column " + quoted_name(info.name) + ": jagged columns cannot be written to npz or npy yet");
    OutgoingArray& o = out.at(info.source_array);
    if (o.columns++ == 0) o.first_column = static_cast<std::uint32_t>(c);
  }
  for (OutgoingArray& o : out) {
    const SourceArray& a = *o.array;
    if (o.columns == 0) {
      if (a.raw.empty()) fail_input("the bytes of the carried array " + quoted_name(a.key) + " are missing");
      continue;
    }
    const DType& dtype = schema.columns[o.first_column].dtype;
    o.header = make_npy_header(a.descr.empty() ? make_descr(dtype) : a.descr, a.fortran_order, a.shape);
    o.writer.emplace(place_of(a, dtype, 0));
  }
  return out;
}

/// What .npz and .npy have in common: arrays at known offsets, filled chunk by chunk.
class ArrayWriter : public TableWriter {
 public:
  ArrayWriter(const std::string& path, const Schema& schema, AtomicFile::Existing existing)
      : schema_(schema), arrays_(plan_arrays(schema_)), file_(path, existing) {}

  void write(const Chunk& chunk) override {
    if (chunk.columns.size() != schema_.columns.size())
      fail_input("a chunk of another table: " + std::to_string(chunk.columns.size()) + " columns instead of " +
                 std::to_string(schema_.columns.size()));
    std::vector<const ColumnData*> from;
    for (OutgoingArray& o : arrays_) {
      if (!o.writer) continue;
      from.clear();
      for (std::uint32_t c = 0; c < o.columns; ++c) from.push_back(&chunk.columns[o.first_column + c]);
      o.writer->write(file_, from);
    }
  }

 protected:
  /// Sets where an array's bytes begin and writes what is known of it already.
  void begin_array(OutgoingArray& o, std::uint64_t offset) {
    if (o.writer) {
      o.writer->set_offset(offset + o.header.size());
      file_.write_at(offset, as_byte_span(o.header));
    } else {
      file_.write_at(offset, o.array->raw);
    }
  }
  void expect_complete() const {
    for (const OutgoingArray& o : arrays_) {
      if (o.writer && o.writer->rows_written() != o.writer->place().rows)
        fail_input("array " + quoted_name(o.array->key) + " ended after " + std::to_string(o.writer->rows_written()) +
                   " of " + std::to_string(o.writer->place().rows) + " rows");
    }
  }
  [[nodiscard]] std::vector<OutgoingArray>& arrays() { return arrays_; }
  [[nodiscard]] AtomicFile& file() { return file_; }

 private:
  const Schema schema_;
  std::vector<OutgoingArray> arrays_;
  AtomicFile file_;
};

std::string member_name(const Schema& schema, const SourceArray& a) {
  std::string name = (schema.format == "npy" ? bare_array_name : a.key) + ".npy";
  if (name.size() > 0xffff) fail_usage("an array's name is longer than a zip archive allows");
  return name;
}

class NpzWriter final : public ArrayWriter {
 public:
  NpzWriter(const std::string& path, const Schema& schema, AtomicFile::Existing existing)
      : ArrayWriter(path, schema, existing) {
    std::unordered_set<std::string> names;
    for (OutgoingArray& o : arrays()) {
      const std::string name = member_name(schema, *o.array);
      if (!names.insert(name).second)
        fail_usage("an npz cannot hold two arrays named " + quoted_name(o.array->key) + ": choose one with --columns");
      const std::size_t member = layout_.add(name, o.bytes());
      begin_array(o, layout_.data_offset(member));
    }
  }

  void finish() override {
    expect_complete();
    for (std::size_t i = 0; i < arrays().size(); ++i) {
      const OutgoingArray& o = arrays()[i];
      layout_.set_crc(
          i, o.writer ? o.writer->crc(crc32_update(0, as_byte_span(o.header))) : crc32_update(0, o.array->raw));
      file().write_at(layout_.local_offset(i), layout_.local_header(i));
    }
    file().write_at(layout_.directory_offset(), layout_.directory());
    file().commit();
  }

 private:
  ZipLayout layout_;
};

class NpyWriter final : public ArrayWriter {
 public:
  NpyWriter(const std::string& path, const Schema& schema, AtomicFile::Existing existing)
      : ArrayWriter(path, schema, existing) {
    begin_array(arrays().front(), 0);
  }
  void finish() override {
    expect_complete();
    file().commit();
  }
};

}  // namespace

std::unique_ptr<TableWriter> create_npz(const std::string& path, const Schema& schema, AtomicFile::Existing existing) {
  return std::make_unique<NpzWriter>(path, schema, existing);
}

std::unique_ptr<TableWriter> create_npy(const std::string& path, const Schema& schema, AtomicFile::Existing existing) {
  if (schema.arrays.size() != 1)
    fail_usage("a .npy holds one array and this table has " + std::to_string(schema.arrays.size()) +
               ": write an .npz, or choose one with --columns");
  return std::make_unique<NpyWriter>(path, schema, existing);
}

}  // namespace haywatt::data
