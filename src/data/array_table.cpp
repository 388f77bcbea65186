#include "data/array_table.hpp"

#include <algorithm>
#include <optional>

#include "data/array_rows.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

constexpr const char* names_key = "names";

bool is_numeric(const NamedArray& a) { return a.header.type.kind == Descr::Kind::Numeric; }

/// The 2-D array that `names` belongs to: one with as many columns as there are names. Of several, the one with key
/// `data` (Baler's habit), else the first.
std::optional<std::size_t> find_table(const std::vector<NamedArray>& arrays, std::size_t names) {
  const NpyHeader& n = arrays[names].header;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const NpyHeader& h = arrays[i].header;
    if (!is_numeric(arrays[i]) || h.shape.size() != 2 || h.shape[1] == 0 || h.shape[1] != n.shape[0]) continue;
    if (arrays[i].key == "data") return i;
    if (!found) found = i;
  }
  return found;
}

std::optional<std::size_t> find_names(const std::vector<NamedArray>& arrays) {
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const NpyHeader& h = arrays[i].header;
    if (arrays[i].key == names_key && h.type.kind == Descr::Kind::Text && h.shape.size() == 1) return i;
  }
  return std::nullopt;
}

ArrayRole role_of(const NamedArray& a) {
  const auto& shape = a.header.shape;
  // Arrays without rows or without values in a row have nothing to compress.
  if (!is_numeric(a) || shape.empty() || std::find(shape.begin() + 1, shape.end(), 0) != shape.end())
    return ArrayRole::Carried;
  return shape.size() == 1 ? ArrayRole::Column : ArrayRole::Field;
}

std::vector<std::string> read_names(const ByteVector& npy, const NpyHeader& header) {
  std::vector<std::string> names;
  const auto item = static_cast<std::size_t>(header.type.item_bytes);
  for (std::uint64_t i = 0; i < header.shape[0]; ++i)
    names.push_back(decode_text_item(
        ByteSpan(npy).subspan(static_cast<std::size_t>(header.data_offset + i * item), item), header.type));
  return names;
}

class ArrayTable final : public TableReader {
 public:
  ArrayTable(const std::string& path, const std::string& format, std::uint64_t file_bytes,
             const std::vector<NamedArray>& arrays, std::uint64_t memory_bytes)
      : file_bytes_(file_bytes) {
    schema_.format = format;
    assign_roles(path, arrays, memory_bytes);
    add_columns(arrays);
  }

  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return file_bytes_; }

  [[nodiscard]] Chunk read(std::uint64_t first_row, std::uint64_t rows) const override {
    Chunk chunk;
    chunk.first_row = first_row;
    const std::uint64_t all = schema_.rows();
    chunk.rows = std::min(rows, all - std::min(all, first_row));
    chunk.columns.resize(schema_.columns.size());
    std::vector<ColumnData*> to;
    for (const Part& part : parts_) {
      to.clear();
      for (std::uint32_t c = 0; c < part.columns; ++c) to.push_back(&chunk.columns[part.first_column + c]);
      const std::uint64_t begin = std::min(first_row, part.place.rows);
      read_rows(*part.bytes, part.place, begin, std::min(chunk.rows, part.place.rows - begin), to);
    }
    return chunk;
  }

 private:
  /// One array of numbers and the columns it makes.
  struct Part {
    ArrayPlace place;
    std::shared_ptr<const ByteSource> bytes;
    std::uint32_t first_column = 0, columns = 0;
  };

  void assign_roles(const std::string& path, const std::vector<NamedArray>& arrays, std::uint64_t memory_bytes) {
    for (const NamedArray& a : arrays)
      schema_.arrays.push_back({a.key, role_of(a), a.header.descr, a.header.shape, a.header.fortran_order, {}});
    if (schema_.format == "npz") {
      const auto names = find_names(arrays);
      const auto table = names ? find_table(arrays, *names) : std::nullopt;
      if (table) {
        schema_.arrays[*names].role = ArrayRole::Names;
        schema_.arrays[*table].role = ArrayRole::Table;
      }
    }
    std::uint64_t held = 0;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      SourceArray& a = schema_.arrays[i];
      if (a.role != ArrayRole::Names && a.role != ArrayRole::Carried) continue;
      held += arrays[i].bytes->size();
      if (held > memory_bytes)
        fail_system(path + ": array " + quoted_name(a.key) + " is carried whole in memory and needs " +
                    std::to_string(arrays[i].bytes->size()) + " bytes, more than is allowed: allow more memory");
      a.raw = arrays[i].bytes->read_all();
      if (a.role == ArrayRole::Names) names_ = read_names(a.raw, arrays[i].header);
    }
  }

  void add_columns(const std::vector<NamedArray>& arrays) {
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const SourceArray& a = schema_.arrays[i];
      if (a.role == ArrayRole::Names || a.role == ArrayRole::Carried) continue;
      const NpyHeader& h = arrays[i].header;
      Part part{place_of(a, h.type.dtype, h.data_offset), arrays[i].bytes,
                static_cast<std::uint32_t>(schema_.columns.size()), 0};
      ColumnInfo c;
      c.dtype = h.type.dtype;
      c.rows = h.shape[0];
      c.source_array = static_cast<std::uint32_t>(i);
      if (a.role == ArrayRole::Table) {
        for (const std::string& name : names_) {
          c.name = name;
          schema_.columns.push_back(c);
          ++c.source_column;
        }
      } else {
        c.name = schema_.format == "npy" ? bare_array_name : a.key;
        if (a.role == ArrayRole::Field) {
          c.layout = Layout::FixedShape;
          c.inner_shape.assign(a.shape.begin() + 1, a.shape.end());
        }
        schema_.columns.push_back(c);
      }
      part.columns = static_cast<std::uint32_t>(schema_.columns.size()) - part.first_column;
      parts_.push_back(std::move(part));
    }
  }

  Schema schema_;
  std::vector<Part> parts_;
  std::vector<std::string> names_;
  std::uint64_t file_bytes_;
};

}  // namespace

std::unique_ptr<TableReader> make_array_table(const std::string& path, const std::string& format,
                                              std::uint64_t file_bytes, const std::vector<NamedArray>& arrays,
                                              std::uint64_t memory_bytes) {
  return std::make_unique<ArrayTable>(path, format, file_bytes, arrays, memory_bytes);
}

}  // namespace haywatt::data
