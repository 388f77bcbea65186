#include "record/json_fields.hpp"

#include <fmt/format.h>

namespace haywatt::record {
namespace {

using nlohmann::json;

/// Length of the well-formed UTF-8 sequence at the front of `s`, 0 if there is none (RFC 3629, section 4).
std::size_t sequence_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  std::size_t n = 0;
  if (first >= 0xC2 && first <= 0xDF) n = 2;
  if (first >= 0xE0 && first <= 0xEF) n = 3;
  if (first >= 0xF0 && first <= 0xF4) n = 4;
  if (n == 0 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool too_high = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_high ? 0 : n;
}

const json* find(const json& j, const char* name) {
  const auto it = j.find(name);
  return it == j.end() ? nullptr : &*it;
}

}  // namespace

std::string utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t n = sequence_length(text);
    if (n == 0)
      out += "\xEF\xBF\xBD";
    else
      out += text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

void fail_member(const char* name, const char* wanted, const json& found) {
  fail_input(fmt::format("record: member \"{}\" must be {}, found {}", name, wanted, found.type_name()));
}

void expect_object(const json& j, const char* what) {
  if (!j.is_object()) fail_input(fmt::format("record: a {} must be a JSON object, found {}", what, j.type_name()));
}

void read_value(const json& value, const char* name, double& out) {
  if (value.is_null())
    out = std::numeric_limits<double>::quiet_NaN();
  else if (value.is_number())
    out = value.get<double>();
  else
    fail_member(name, "a number or null", value);
}

void read_value(const json& value, const char* name, std::string& out) {
  if (!value.is_string()) fail_member(name, "a string", value);
  out = value.get<std::string>();
}

void read_value(const json& value, const char* name, bool& out) {
  if (!value.is_boolean()) fail_member(name, "true or false", value);
  out = value.get<bool>();
}

void read_value(const json& value, const char* name, std::uint64_t& out) {
  const bool whole = value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
  if (!whole) fail_member(name, "a whole number that is not negative", value);
  out = value.get<std::uint64_t>();
}

void read_value(const json& value, const char* name, int& out) {
  if (!value.is_number_integer()) fail_member(name, "a whole number", value);
  const auto wide = value.get<std::int64_t>();
  const bool wrapped = value.is_number_unsigned() && wide < 0;
  if (wrapped || wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
    fail_member(name, "a whole number of 32 bits", value);
  out = static_cast<int>(wide);
}

const json& array_member(const json& j, const char* name) {
  static const json empty = json::array();
  const json* m = find(j, name);
  if (m == nullptr) return empty;
  if (!m->is_array()) fail_member(name, "an array", *m);
  return *m;
}

const json& object_member(const json& j, const char* name) {
  static const json empty = json::object();
  const json* m = find(j, name);
  if (m == nullptr) return empty;
  if (!m->is_object()) fail_member(name, "an object", *m);
  return *m;
}

std::vector<double> numbers(const json& array, const char* name) {
  std::vector<double> values(array.size());
  for (std::size_t i = 0; i < values.size(); ++i) read_value(array[i], name, values[i]);
  return values;
}

json numbers_json(const std::vector<double>& values) {
  json array = json::array();
  for (const double v : values) array.push_back(number(v));
  return array;
}

}  // namespace haywatt::record
