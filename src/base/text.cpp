#include "haywatt/base/text.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace haywatt {

bool glob_match(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool has_glob_characters(std::string_view pattern) noexcept {
  return pattern.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const auto end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::optional<double> parse_double(std::string_view text) noexcept {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_u64(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto digits_end = text.find_first_not_of("0123456789");
  const auto number = parse_u64(text.substr(0, digits_end));
  if (!number) return std::nullopt;
  std::string_view suffix = digits_end == std::string_view::npos ? std::string_view{} : text.substr(digits_end);
  if (suffix.ends_with("iB")) {
    suffix.remove_suffix(2);
  } else if (suffix.ends_with("B")) {
    suffix.remove_suffix(1);
  }
  unsigned shift = 0;
  if (suffix == "K" || suffix == "k")
    shift = 10;
  else if (suffix == "M")
    shift = 20;
  else if (suffix == "G")
    shift = 30;
  else if (suffix == "T")
    shift = 40;
  else if (!suffix.empty())
    return std::nullopt;
  if (*number > (UINT64_MAX >> shift)) return std::nullopt;
  return *number << shift;
}

std::optional<double> parse_duration_s(std::string_view text) noexcept {
  struct Unit {
    std::string_view suffix;
    double seconds;
  };
  // "ms" before "s": the longest suffix that fits counts.
  static constexpr std::array<Unit, 5> units = {{{"ms", 1e-3}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}, {"", 1.0}}};
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto number = parse_double(text.substr(0, text.size() - unit.suffix.size()));
    if (!number || !std::isfinite(*number) || *number < 0.0 || std::signbit(*number)) return std::nullopt;
    return *number * unit.seconds;
  }
  return std::nullopt;
}

std::vector<int> cpu_list(std::string_view text, std::size_t most) {
  std::vector<int> cpus;
  for (const std::string& part : split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = parse_u64(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_u64(part.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= most) return {};
    for (std::uint64_t cpu = *first; cpu <= *last && cpus.size() < most; ++cpu) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), n};
}

std::string si(double value, std::string_view unit) {
  if (value == 0.0 || !std::isfinite(value)) return fmt::format("{:g} {}", value, unit);
  static constexpr std::array<const char*, 9> prefixes = {"p", "n", "µ", "m", "", "k", "M", "G", "T"};
  const bool whole_unit = unit == "B";  // there is no millibyte
  int index = 4;
  double scaled = value;
  while (std::fabs(scaled) >= 999.5 && index + 1 < static_cast<int>(prefixes.size())) scaled /= 1000.0, ++index;
  while (!whole_unit && std::fabs(scaled) < 0.9995 && index > 0) scaled *= 1000.0, --index;
  const double magnitude = std::fabs(scaled);
  const int decimals = (whole_unit && index == 4) || magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}{}", scaled, decimals, prefixes.at(static_cast<std::size_t>(index)), unit);
}

}  // namespace haywatt
