#include "haywatt/data/npz_arrays.hpp"

#include <map>

#include "data/array_rows.hpp"
#include "data/array_table.hpp"
#include "data/checked.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/statistics.hpp"

namespace haywatt {

struct NpzArrays::Parts {
  std::string path;
  std::map<std::string, std::pair<Array, data::NamedArray>> arrays;

  [[nodiscard]] const std::pair<Array, data::NamedArray>& find(const std::string& key) const {
    const auto at = arrays.find(key);
    if (at == arrays.end()) fail_input(path + " has no array " + data::quoted_name(key) + ": Baler's files have one");
    return at->second;
  }
};

namespace {

constexpr std::uint64_t most_copied_bytes = std::uint64_t{256} << 20;

}  // namespace

std::uint64_t NpzArrays::Array::values_per_row() const {
  return shape.empty() ? 1 : data::product(std::span(shape).subspan(1));
}

NpzArrays::NpzArrays(const std::string& path, const ReadOptions& options) {
  auto parts = std::make_unique<Parts>();
  parts->path = path;
  for (data::NamedArray& named : data::open_npz_arrays(path, options)) {
    Array a;
    a.key = named.key;
    a.text = named.header.type.kind == data::Descr::Kind::Text;
    a.dtype = named.header.type.dtype;
    a.shape = named.header.shape;
    const std::string key = named.key;  // which moves away with the rest
    parts->arrays.emplace(key, std::pair(std::move(a), std::move(named)));
  }
  parts_ = std::move(parts);
}

NpzArrays::~NpzArrays() = default;

const std::string& NpzArrays::path() const { return parts_->path; }
bool NpzArrays::has(const std::string& key) const { return parts_->arrays.contains(key); }
const NpzArrays::Array& NpzArrays::array(const std::string& key) const { return parts_->find(key).first; }

ByteVector NpzArrays::read(const std::string& key, std::uint64_t first, std::uint64_t rows) const {
  const auto& [info, named] = parts_->find(key);
  const std::string what = parts_->path + ": array " + data::quoted_name(key);
  if (info.text) fail_input(what + " holds text instead of numbers");
  if (first > info.rows() || rows > info.rows() - first)
    fail_input(what + " has only " + std::to_string(info.rows()) + " rows");
  data::ArrayPlace place;
  place.offset = named.header.data_offset;
  place.rows = info.rows();
  if (!info.shape.empty()) place.inner_shape.assign(info.shape.begin() + 1, info.shape.end());
  place.fortran_order = named.header.fortran_order && info.shape.size() > 1;
  place.dtype = info.dtype;
  ColumnData column;
  ColumnData* const to = &column;
  data::read_rows(*named.bytes, place, first, rows, std::span(&to, 1));
  return std::move(column.values);
}

ByteVector NpzArrays::read_all(const std::string& key) const { return read(key, 0, array(key).rows()); }

std::vector<double> NpzArrays::doubles(const std::string& key) const {
  return to_doubles(array(key).dtype, read_all(key));
}

std::vector<std::string> NpzArrays::strings(const std::string& key) const {
  const auto& [info, named] = parts_->find(key);
  std::vector<std::string> items;
  // No names are an array of no floats, since numpy knows no type of nothing.
  if (info.rows() == 0) return items;
  if (!info.text || info.shape.size() != 1)
    fail_input(parts_->path + ": array " + data::quoted_name(key) + " is not a list of names");
  const ByteVector raw = npy(key);
  const auto item = static_cast<std::size_t>(named.header.type.item_bytes);
  for (std::uint64_t i = 0; i < info.rows(); ++i)
    items.push_back(data::decode_text_item(
        ByteSpan(raw).subspan(static_cast<std::size_t>(named.header.data_offset + i * item), item), named.header.type));
  return items;
}

ByteVector NpzArrays::npy(const std::string& key) const {
  const auto& named = parts_->find(key).second;
  if (named.bytes->size() > most_copied_bytes)
    fail_input(parts_->path + ": array " + data::quoted_name(key) + " is absurdly large for what it is");
  return named.bytes->read_all();
}

}  // namespace haywatt
