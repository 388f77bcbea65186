#include "codec/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt {

std::int64_t integer_option(const MethodSpec& spec, const std::string& key, std::int64_t fallback, std::int64_t low,
                            std::int64_t high) {
  const auto it = spec.options.find(key);
  if (it == spec.options.end()) return fallback;
  const std::string& text = it->second;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    fail_usage("method " + spec.name + ": " + key + "=" + text + " is not a whole number from " + std::to_string(low) +
               " to " + std::to_string(high));
  return value;
}

double number_option(const MethodSpec& spec, const std::string& key, double fallback, double low, double high) {
  const auto it = spec.options.find(key);
  if (it == spec.options.end()) return fallback;
  const auto value = parse_double(it->second);
  if (!value || !(*value >= low && *value <= high))
    fail_usage(fmt::format("method {}: {}={} is not a number from {} to {}", spec.name, key, it->second, low, high));
  return *value;
}

std::size_t choice_option(const MethodSpec& spec, const std::string& key, const std::string& fallback,
                          const std::vector<std::string>& choices) {
  const auto it = spec.options.find(key);
  const std::string& text = it == spec.options.end() ? fallback : it->second;
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  std::string names;
  for (const std::string& c : choices) names += (names.empty() ? "" : ", ") + c;
  fail_usage("method " + spec.name + ": " + key + "=" + text + " is not one of " + names);
}

}  // namespace haywatt
