#include "report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "haywatt/base/text.hpp"

namespace haywatt::report {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view minus = "−";

std::string superscript(int n) {
  static constexpr std::array<std::string_view, 10> raised = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out(n < 0 ? "⁻" : "");
  for (const char c : std::to_string(std::abs(n))) out += raised.at(static_cast<std::size_t>(c - '0'));
  return out;
}

struct Scale {
  double divisor = 1.0;
  std::string_view prefix;
};

/// The SI prefix under which |value| has one to three digits before the point. Whole units take no prefix below one.
Scale scale_of(double value, std::string_view unit) {
  static constexpr std::array<std::string_view, 10> prefixes = {"p", "n", "µ", "m", "", "k", "M", "G", "T", "P"};
  const bool takes_prefix = unit == "s" || unit == "J" || unit == "W" || unit == "B" || unit == "B/s" ||
                            unit == "J/GB" || unit == "gCO2e/GB" || unit == "gCO2e" || unit == "s/GB";
  if (!takes_prefix || value == 0.0 || !std::isfinite(value)) return {};
  int index = 4;
  double scaled = std::fabs(value), divisor = 1.0;
  while (scaled >= 999.5 && index + 1 < static_cast<int>(prefixes.size())) scaled /= 1e3, divisor *= 1e3, ++index;
  while (scaled < 0.9995 && index > 0 && !unit.starts_with('B')) scaled *= 1e3, divisor /= 1e3, --index;
  return {divisor, prefixes.at(static_cast<std::size_t>(index))};
}

/// No interval, or that of a single value.
bool says_nothing(const Figure& f) { return f.low == f.high || (f.low <= 0.0 && std::isinf(f.high)); }

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
          out += replacement;
        else
          out += c;
    }
  }
  return out;
}

std::string method_html(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of(":,-="), name.size() - 1) + 1;
    out += escape_html(name.substr(0, end));
    name.remove_prefix(end);
    if (!name.empty()) out += "<wbr>";
  }
  return out;
}

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      out += ' ';
    } else if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += replacement;
    } else {
      if (std::string_view("\\`*_{}[]#|~@").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string markdown_block(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    if (c == '\r') continue;
    out += c;
    if (c == '\n') out += "    ";
  }
  return out + "\n";
}

std::string script_json(const nlohmann::json& json) {
  const std::string plain = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out;
  out.reserve(plain.size() + 64);
  for (const char c : plain) {
    if (c == '<' || c == '>' || c == '&')
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}

std::string digits(double value) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  if (value == 0.0) return "0";
  // Round first: 999.6 belongs to the next decade.
  const std::string scientific = fmt::format("{:.2e}", std::fabs(value));
  const double rounded = parse_double(scientific).value_or(0.0);
  const int decade = std::stoi(scientific.substr(scientific.find('e') + 1));
  const std::string sign(value < 0 ? minus : "");
  if (decade < -3 || decade > 5) return sign + scientific.substr(0, 4) + "×10" + superscript(decade);
  std::string text = fmt::format("{:.{}f}", rounded, std::max(0, 2 - decade));
  if (decade >= 3) text.insert(text.size() - 3, ",");
  return sign + text;
}

std::string quantity(double value, std::string_view unit) {
  const Scale scale = scale_of(value, unit);
  if (unit == "1") return digits(value);
  if (unit == "gCO2e") return fmt::format("{} {}gCO₂e", digits(value / scale.divisor), scale.prefix);
  if (unit == "gCO2e/GB") return fmt::format("{} {}gCO₂e/GB", digits(value / scale.divisor), scale.prefix);
  return fmt::format("{} {}{}", digits(value / scale.divisor), scale.prefix, unit);
}

std::string interval(const Figure& f) {
  if (says_nothing(f)) return {};
  const double divisor = scale_of(f.value, f.unit).divisor;
  return fmt::format("{} to {}", digits(f.low / divisor), digits(f.high / divisor));
}

std::string with_interval(const Figure& f) {
  const std::string range = interval(f);
  return range.empty() ? quantity(f.value, f.unit) : fmt::format("{} ({})", quantity(f.value, f.unit), range);
}

std::string narrow_interval(const Figure& f) {
  if (says_nothing(f)) return {};
  const double divisor = scale_of(f.value, f.unit).divisor;
  const double low = f.low / divisor, high = f.high / divisor;
  if (!(low > 0.0) || !std::isfinite(high) || (low >= 1e-3 && high < 1e6))
    return fmt::format("{}–{}", digits(low), digits(high));
  const int decade = static_cast<int>(std::floor(std::log10(f.value / divisor)));
  const double unit = std::pow(10.0, decade);
  return fmt::format("({}–{})·10{}", digits(low / unit), digits(high / unit), superscript(decade));
}

std::string times(const Figure& ratio) {
  const std::string range = interval(ratio);
  return range.empty() ? "×" + digits(ratio.value) : fmt::format("×{} ({})", digits(ratio.value), range);
}

namespace {

struct TimeUnit {
  double seconds;
  const char* name;
};

TimeUnit time_unit(double seconds) {
  static constexpr double day = 86400.0;
  const double s = std::fabs(seconds);
  if (s < 60.0) return {1.0, "s"};
  if (s < 3600.0) return {60.0, "min"};
  if (s < 2 * day) return {3600.0, "h"};
  if (s < 365.25 * day) return {day, "days"};
  return {365.25 * day, "years"};
}

constexpr double seconds_per_year = 365.25 * 86400.0;

}  // namespace

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return digits(seconds);
  const TimeUnit u = time_unit(seconds);
  const double v = seconds / u.seconds;
  const std::string number = v >= 99.5 ? fmt::format("{:.0f}", v) : fmt::format("{:.2g}", v);
  std::string_view name = u.name;
  if (number == "1" && name.size() > 3) name.remove_suffix(1);  // days, years
  return fmt::format("{} {}", number, name);
}

std::string count(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string payback_value(const metrics::Payback& p) {
  using metrics::PaybackKind;
  switch (p.kind) {
    case PaybackKind::Never:
      return "never";
    case PaybackKind::AtOnce:
      return "at once";
    case PaybackKind::Unknown:
      return "unknown";
    case PaybackKind::After:
      break;
  }
  return duration(p.years.value * seconds_per_year);
}

std::string payback_detail(const metrics::Payback& p) {
  if (p.kind != metrics::PaybackKind::After) return p.explanation;
  if (p.years.low == p.years.high) return {};
  const std::string low = p.years.low <= 0.0 ? "at once" : duration(p.years.low * seconds_per_year);
  const std::string high = std::isinf(p.years.high) ? "never" : duration(p.years.high * seconds_per_year);
  const std::string unit = low.substr(low.find(' ') + 1);
  if (p.years.low > 0.0 && high.ends_with(" " + unit)) return low.substr(0, low.find(' ')) + " to " + high;
  return low + " to " + high;
}

std::string payback_text(const metrics::Payback& p) {
  const std::string detail = payback_detail(p);
  return detail.empty() ? payback_value(p) : fmt::format("{} ({})", payback_value(p), detail);
}

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace haywatt::report
