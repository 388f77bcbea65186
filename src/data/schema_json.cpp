#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/checked.hpp"
#include "data/descr.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/schema.hpp"

namespace haywatt {
namespace {

using data::quoted_name;

using nlohmann::json;

constexpr std::array<std::string_view, 5> role_names = {"table", "column", "field", "names", "carried"};
constexpr std::array<std::string_view, 3> layout_names = {"flat", "fixed", "jagged"};
constexpr std::array<std::string_view, 3> format_names = {"npz", "npy", "csv"};

[[noreturn]] void fail_schema(const std::string& why) { fail_input("the schema is damaged: " + why); }

const json& member(const json& j, const char* key) {
  if (!j.is_object()) fail_schema("an object was expected");
  const auto it = j.find(key);
  if (it == j.end()) fail_schema(std::string("'") + key + "' is missing");
  return *it;
}

const std::string& text(const json& j, const char* key) {
  const json& v = member(j, key);
  if (!v.is_string()) fail_schema(std::string("'") + key + "' is not a text");
  return v.get_ref<const std::string&>();
}

std::uint64_t number(const json& v, const char* key) {
  if (!v.is_number_unsigned()) fail_schema(std::string("'") + key + "' is not a whole number");
  const auto n = v.get<std::uint64_t>();
  if (n >= data::size_limit) fail_schema(std::string("'") + key + "' is absurd");
  return n;
}

std::uint32_t index(const json& j, const char* key) {
  const std::uint64_t n = number(member(j, key), key);
  if (n > UINT32_MAX) fail_schema(std::string("'") + key + "' is absurd");
  return static_cast<std::uint32_t>(n);
}

bool flag(const json& j, const char* key) {
  const auto it = j.find(key);
  if (it == j.end()) return false;
  if (!it->is_boolean()) fail_schema(std::string("'") + key + "' is not true or false");
  return it->get<bool>();
}

std::vector<std::uint64_t> shape(const json& j, const char* key) {
  const json& v = member(j, key);
  if (!v.is_array() || v.size() > 64) fail_schema(std::string("'") + key + "' is not a shape");
  std::vector<std::uint64_t> s;
  for (const json& n : v) s.push_back(number(n, key));
  return s;
}

template <std::size_t N>
std::size_t choice(const json& j, const char* key, const std::array<std::string_view, N>& names) {
  const std::string& t = text(j, key);
  for (std::size_t i = 0; i < N; ++i) {
    if (t == names.at(i)) return i;
  }
  fail_schema(std::string("'") + key + "' is " + quoted_name(t));
}

/// ">f4": a dtype whose source is big-endian.
std::string dtype_text(const DType& t) {
  std::string text = t.name();
  if (t.big_endian) text.insert(text.begin(), '>');
  return text;
}

DType parse_dtype(const std::string& name) {
  const bool big = name.starts_with('>');
  DType t = DType::parse(big ? name.substr(1) : name);
  if (big && t.size == 1) fail_schema("a byte has no byte order");
  t.big_endian = big;
  return t;
}

SourceArray parse_array(const json& j) {
  SourceArray a;
  a.key = text(j, "key");
  a.role = static_cast<ArrayRole>(choice(j, "role", role_names));
  a.descr = text(j, "descr");
  a.shape = shape(j, "shape");
  a.fortran_order = flag(j, "fortran_order");
  const data::Descr d = data::parse_descr(a.descr);
  if (!a.descr.empty() && d.kind == data::Descr::Kind::Refused) fail_schema("unknown dtype " + quoted_name(a.descr));
  if (!data::padded_bytes(a.shape, std::max<std::uint64_t>(d.item_bytes, 8))) fail_schema("a shape is absurd");
  return a;
}

ColumnInfo parse_column(const json& j) {
  ColumnInfo c;
  c.name = text(j, "name");
  c.dtype = parse_dtype(text(j, "dtype"));
  if (j.contains("layout")) c.layout = static_cast<Layout>(choice(j, "layout", layout_names));
  c.rows = number(member(j, "rows"), "rows");
  if (c.layout == Layout::FixedShape) c.inner_shape = shape(j, "inner_shape");
  c.source_array = index(j, "array");
  if (j.contains("source_column")) c.source_column = index(j, "source_column");
  return c;
}

/// A column must be what its array says, so that readers may rely on either.
void check_column(const Schema& s, const ColumnInfo& c, std::uint32_t columns_before) {
  if (c.source_array >= s.arrays.size()) fail_schema("column " + quoted_name(c.name) + " is of no array");
  const SourceArray& a = s.arrays[c.source_array];
  const auto bad = [&c]() { fail_schema("column " + quoted_name(c.name) + " does not fit its array"); };
  if (a.shape.empty() || a.shape[0] != c.rows || c.source_column != columns_before) bad();
  const std::span<const std::uint64_t> inner = std::span(a.shape).subspan(1);
  switch (a.role) {
    case ArrayRole::Table:
      if (c.layout != Layout::Flat || inner.size() != 1 || c.source_column >= inner[0]) bad();
      break;
    case ArrayRole::Column:
      if (c.layout == Layout::FixedShape || !inner.empty()) bad();
      break;
    case ArrayRole::Field:
      if (c.layout != Layout::FixedShape ||
          !std::equal(inner.begin(), inner.end(), c.inner_shape.begin(), c.inner_shape.end()))
        bad();
      break;
    case ArrayRole::Names:
    case ArrayRole::Carried:
      bad();
  }
  if (!a.descr.empty()) {
    const data::Descr d = data::parse_descr(a.descr);
    if (d.kind != data::Descr::Kind::Numeric || !(d.dtype == c.dtype)) bad();
  }
}

void check(const Schema& s) {
  std::vector<std::uint32_t> columns_of(s.arrays.size(), 0);
  for (const ColumnInfo& c : s.columns) {
    check_column(s, c, c.source_array < columns_of.size() ? columns_of[c.source_array] : 0);
    ++columns_of[c.source_array];
  }
  std::uint64_t bytes = 0;
  std::uint64_t tables = 0, names = 0, named = 0;
  for (std::size_t i = 0; i < s.arrays.size(); ++i) {
    const SourceArray& a = s.arrays[i];
    std::uint64_t wanted = 1;
    if (a.role == ArrayRole::Table) {
      if (a.shape.size() != 2 || a.shape[1] == 0) fail_schema("array " + quoted_name(a.key) + " is no table");
      wanted = a.shape[1];
      named = wanted;
      ++tables;
    } else if (a.role == ArrayRole::Names) {
      wanted = 0;
      ++names;
    } else if (a.role == ArrayRole::Carried) {
      wanted = 0;
    } else if (a.role == ArrayRole::Field &&
               (a.shape.size() < 2 || std::find(a.shape.begin() + 1, a.shape.end(), 0) != a.shape.end())) {
      fail_schema("array " + quoted_name(a.key) + " is no field");
    }
    if (columns_of[i] != wanted) fail_schema("array " + quoted_name(a.key) + " has a wrong number of columns");
    // Every shape is below 2^62 bytes, so the sum is checked before it can overflow.
    if (a.role != ArrayRole::Carried) bytes += *data::padded_bytes(a.shape, 8);
    if (bytes >= data::size_limit) fail_schema("its arrays are absurdly large");
  }
  if (tables != names || tables > 1) fail_schema("a table and its names must come together");
  for (const SourceArray& a : s.arrays) {
    if (a.role != ArrayRole::Names) continue;
    if (data::parse_descr(a.descr).kind != data::Descr::Kind::Text || a.shape.size() != 1 || a.shape[0] != named)
      fail_schema("the names do not fit the table");
  }
}

}  // namespace

void to_json(json& j, const Schema& s) {
  json arrays = json::array(), columns = json::array();
  for (const SourceArray& a : s.arrays) {
    json e = {{"key", a.key},
              {"role", role_names.at(static_cast<std::size_t>(a.role))},
              {"descr", a.descr},
              {"shape", a.shape}};
    if (a.fortran_order) e["fortran_order"] = true;
    arrays.push_back(std::move(e));
  }
  for (const ColumnInfo& c : s.columns) {
    json e = {{"name", c.name}, {"dtype", dtype_text(c.dtype)}, {"rows", c.rows}, {"array", c.source_array}};
    if (c.layout != Layout::Flat) e["layout"] = layout_names.at(static_cast<std::size_t>(c.layout));
    if (c.layout == Layout::FixedShape) e["inner_shape"] = c.inner_shape;
    if (c.source_column != 0) e["source_column"] = c.source_column;
    columns.push_back(std::move(e));
  }
  j = {{"format", s.format}, {"arrays", std::move(arrays)}, {"columns", std::move(columns)}};
  if (!s.csv_header.empty()) j["csv_header"] = s.csv_header;
}

void from_json(const json& j, Schema& s) {
  Schema out;
  out.format = format_names.at(choice(j, "format", format_names));
  const json& arrays = member(j, "arrays");
  const json& columns = member(j, "columns");
  if (!arrays.is_array() || !columns.is_array()) fail_schema("a list was expected");
  for (const json& a : arrays) out.arrays.push_back(parse_array(a));
  for (const json& c : columns) out.columns.push_back(parse_column(c));
  if (j.contains("csv_header")) out.csv_header = text(j, "csv_header");
  check(out);
  s = std::move(out);
}

}  // namespace haywatt
