/// Reading and writing JSON members so that records survive NaN, foreign bytes and other people's files.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/base/error.hpp"

namespace haywatt::record {

/// A finite number, or null: JSON has no NaN and no infinity.
[[nodiscard]] inline nlohmann::json number(double x) {
  return std::isfinite(x) ? nlohmann::json(x) : nlohmann::json(nullptr);
}

/// Text with every malformed UTF-8 sequence replaced by U+FFFD; paths on Linux may hold any bytes.
[[nodiscard]] std::string utf8(std::string_view text);

[[noreturn]] void fail_member(const char* name, const char* wanted, const nlohmann::json& found);

/// Error(BadInput) unless `j` is an object; `what` names it in the message.
void expect_object(const nlohmann::json& j, const char* what);

/// Error(BadInput) naming `name` when the value has another type. A null number becomes NaN.
void read_value(const nlohmann::json& value, const char* name, double& out);
void read_value(const nlohmann::json& value, const char* name, std::string& out);
void read_value(const nlohmann::json& value, const char* name, bool& out);
void read_value(const nlohmann::json& value, const char* name, std::uint64_t& out);
void read_value(const nlohmann::json& value, const char* name, int& out);

/// As read_value; leaves `out` alone when the member is absent.
template <class T>
void read_member(const nlohmann::json& j, const char* name, T& out) {
  if (const auto it = j.find(name); it != j.end()) read_value(*it, name, out);
}

/// The member if it is an array (or object), an empty one if absent; Error(BadInput) otherwise.
[[nodiscard]] const nlohmann::json& array_member(const nlohmann::json& j, const char* name);
[[nodiscard]] const nlohmann::json& object_member(const nlohmann::json& j, const char* name);

/// A list of records that have a from_json of their own.
template <class T>
void read_list(const nlohmann::json& j, const char* name, std::vector<T>& out) {
  out.clear();
  for (const auto& item : array_member(j, name)) item.get_to(out.emplace_back());
}

/// A list of numbers; null becomes NaN.
[[nodiscard]] std::vector<double> numbers(const nlohmann::json& array, const char* name);
[[nodiscard]] nlohmann::json numbers_json(const std::vector<double>& values);

}  // namespace haywatt::record
