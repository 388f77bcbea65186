/// Smart plugs' exports.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/meter/calibration.hpp"

namespace haywatt::meter {
namespace {

constexpr std::uint64_t largest_file = 256 << 20;

std::string trimmed(std::string_view s) {
  constexpr std::string_view blanks = " \t\r\n\"";
  const auto begin = s.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return std::string(s.substr(begin, s.find_last_not_of(blanks) - begin + 1));
}

std::string lower(std::string s) {
  for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return s;
}

/// Fields of a line; a delimiter between double quotes is part of its field.
std::vector<std::string> fields_of(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == delimiter && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  for (std::string& f : fields) f = trimmed(f);
  return fields;
}

char delimiter_of(std::string_view head) {
  for (const char c : {';', '\t', ','})
    if (head.find(c) != std::string_view::npos) return c;
  return ',';
}

/// "12.5", "12,5", "12.5 W".
std::optional<double> number_of(std::string text) {
  if (text.ends_with('W') || text.ends_with('w')) text = trimmed(text.substr(0, text.size() - 1));
  if (text.find('.') == std::string::npos) std::replace(text.begin(), text.end(), ',', '.');
  return parse_double(text);
}

bool says_nothing(const std::string& text) {
  const std::string s = lower(text);
  return s.empty() || s == "unavailable" || s == "unknown" || s == "none" || s == "null" || s == "nan" || s == "-";
}

/// "+02:00", "-0500", "Z" at the end of a time; `at` is where it begins.
std::optional<double> zone_s(const std::string& text, std::size_t at) {
  const std::string zone = trimmed(text.substr(at));
  if (zone == "Z" || zone == "z" || lower(zone) == "utc") return 0.0;
  int hours = 0, minutes = 0, read = 0;
  char sign = 0;
  if (std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &hours, &minutes, &read) != 3 &&
      std::sscanf(zone.c_str(), "%c%2d%2d%n", &sign, &hours, &minutes, &read) != 3)
    return std::nullopt;
  if ((sign != '+' && sign != '-') || read != static_cast<int>(zone.size()) || hours > 14 || minutes > 59)
    return std::nullopt;
  return (sign == '-' ? -1.0 : 1.0) * (hours * 3600.0 + minutes * 60.0);
}

/// Unix seconds, milliseconds or microseconds; ISO 8601; "31.12.2024 23:59:59".
std::optional<double> time_of(const std::string& text) {
  if (const auto number = number_of(text)) {
    if (!std::isfinite(*number) || *number < 1e8) return std::nullopt;
    return *number > 1e14 ? *number * 1e-6 : *number > 1e11 ? *number * 1e-3 : *number;
  }
  std::tm t{};
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, read = 0;
  const bool iso = std::sscanf(text.c_str(), "%4d%*1[-/]%2d%*1[-/]%2d%*1[ T,]%2d:%2d%n", &year, &month, &day, &hour,
                               &minute, &read) == 5;
  if (!iso &&
      std::sscanf(text.c_str(), "%2d.%2d.%4d%*1[ T,]%2d:%2d%n", &day, &month, &year, &hour, &minute, &read) != 5)
    return std::nullopt;
  double second = 0.0;
  auto at = static_cast<std::size_t>(read);
  if (at < text.size() && text[at] == ':') {
    const auto end = std::min(text.find_first_not_of("0123456789.", at + 1), text.size());
    const auto value = parse_double(std::string_view(text).substr(at + 1, end - at - 1));
    if (!value) return std::nullopt;
    second = *value;
    at = end;
  }
  if (year < 1971 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 24 ||
      minute < 0 || minute > 59 || !(second >= 0.0 && second < 61.0))
    return std::nullopt;
  t.tm_year = year - 1900;
  t.tm_mon = month - 1;
  t.tm_mday = day;
  t.tm_hour = hour;
  t.tm_min = minute;
  t.tm_isdst = -1;
  if (trimmed(text.substr(at)).empty()) return static_cast<double>(std::mktime(&t)) + second;
  const auto zone = zone_s(text, at);
  if (!zone) return std::nullopt;
  return static_cast<double>(timegm(&t)) + second - *zone;
}

/// How much a column's name looks like power in watts.
int watts_score(const std::string& name) {
  const std::string s = lower(name);
  const auto has = [&](const char* part) { return s.find(part) != std::string::npos; };
  if (has("wh") || has("factor") || has("reactive") || has("apparent") || has("today") || has("total")) return 0;
  if (s == "w" || s == "watt" || s == "watts" || s == "power" || s == "apower" || s == "leistung") return 4;
  if (has("power") || has("leistung")) return 3;
  if (has("watt") || has("(w)") || has("[w]") || s.ends_with("_w")) return 2;
  return s == "state" || s == "value" ? 1 : 0;  // Home Assistant, InfluxDB
}

int time_score(const std::string& name) {
  const std::string s = lower(name);
  const auto has = [&](const char* part) { return s.find(part) != std::string::npos; };
  if (s == "timestamp" || s == "datetime" || s == "unix" || s == "last_changed" || s == "time" || s == "zeit") return 3;
  if (has("timestamp") || has("date") || has("datum")) return 2;
  return has("time") || has("zeit") || s == "ts" ? 1 : 0;
}

class Columns {
 public:
  Columns(const std::string& path, const std::vector<std::string>& head, bool has_head, const PowerColumns& wanted) {
    if (!has_head && wanted.time.empty() && wanted.watts.empty()) {
      watts = 1;
      if (head.size() < 2) fail_input(path + " has one column: a time and a power are needed");
      return;
    }
    time = find(path, head, wanted.time, "time", "--time-column", time_score);
    watts = find(path, head, wanted.watts, "power in watts", "--watts-column", watts_score);
    if (time == watts) fail_input(path + ": the same column cannot be time and power");
    const auto date = std::find_if(head.begin(), head.end(),
                                   [](const std::string& s) { return lower(s) == "date" || lower(s) == "datum"; });
    if (wanted.time.empty() && date != head.end() && (lower(head[time]) == "time" || lower(head[time]) == "zeit"))
      day = static_cast<std::size_t>(date - head.begin());
  }
  std::size_t time = 0, watts = 0;
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t day = none;  ///< a column of its own, before the time

 private:
  static std::size_t find(const std::string& path, const std::vector<std::string>& head, const std::string& wanted,
                          const char* what, const char* option, int (*score)(const std::string&)) {
    if (!wanted.empty()) {
      for (std::size_t i = 0; i < head.size(); ++i)
        if (lower(head[i]) == lower(wanted)) return i;
      if (const auto number = parse_u64(wanted); number && *number >= 1 && *number <= head.size()) return *number - 1;
      fail_input(fmt::format("{} has no column '{}' ({}); it has {}", path, wanted, option, listed(head)));
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < head.size(); ++i)
      if (score(head[i]) > score(head[best])) best = i;
    if (score(head[best]) == 0)
      fail_input(
          fmt::format("{}: no column looks like {}: name it with {}; it has {}", path, what, option, listed(head)));
    return best;
  }
  static std::string listed(const std::vector<std::string>& head) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(head.size(), 20); ++i)
      text += (i == 0 ? "" : ", ") + head[i].substr(0, 40);
    return text;
  }
};

}  // namespace

std::vector<PowerReading> read_power_csv(const std::string& path, const PowerColumns& wanted) {
  const std::string text = read_text_file(path, largest_file);
  if (text.find('\0') != std::string::npos) fail_input(path + " is not text");
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  std::optional<Columns> columns;
  std::vector<PowerReading> readings;
  char delimiter = ',';
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (trimmed(line).empty() || line.front() == '#') continue;
    if (!columns) {
      delimiter = delimiter_of(line);
      const auto head = fields_of(line, delimiter);
      const bool has_head =
          std::none_of(head.begin(), head.end(), [](const std::string& f) { return time_of(f).has_value(); });
      columns.emplace(path, head, has_head, wanted);
      if (has_head) continue;
    }
    const auto fields = fields_of(line, delimiter);
    const auto fail = [&](const std::string& what) {
      fail_input(fmt::format("{} line {}: {}", path, line_number, what));
    };
    if (fields.size() <= std::max({columns->time, columns->watts, columns->day == Columns::none ? 0 : columns->day}))
      fail("too few columns");
    if (says_nothing(fields[columns->watts])) continue;
    const std::string when =
        columns->day != Columns::none ? fields[columns->day] + " " + fields[columns->time] : fields[columns->time];
    const auto time = time_of(when);
    const auto watts = number_of(fields[columns->watts]);
    if (!time) fail("'" + when.substr(0, 40) + "' is no time (Unix seconds or 2024-12-31T23:59:59)");
    if (!watts || !std::isfinite(*watts)) fail("'" + fields[columns->watts].substr(0, 40) + "' is no power in watts");
    if (*watts < 0.0) fail(fmt::format("a power of {:g} W: is the plug turned round?", *watts));
    readings.push_back({*time, *watts});
  }
  if (readings.empty()) fail_input(path + " has no readings of power");
  std::stable_sort(readings.begin(), readings.end(),
                   [](const PowerReading& a, const PowerReading& b) { return a.unix_s < b.unix_s; });
  return readings;
}

}  // namespace haywatt::meter
