#include "trace/started.hpp"

#include <fmt/format.h>

#include <chrono>

#include "haywatt/base/text.hpp"

namespace haywatt::trace {
namespace {

/// The digits of [at, at + n) as a number.
std::optional<int> field(const std::string& text, std::size_t at, std::size_t n) {
  if (text.size() < at + n) return std::nullopt;
  const auto value = parse_u64(std::string_view(text).substr(at, n));
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

std::optional<std::int64_t> started_unix_s(const std::string& iso_8601) {
  using namespace std::chrono;
  const auto y = field(iso_8601, 0, 4), mo = field(iso_8601, 5, 2), d = field(iso_8601, 8, 2),
             h = field(iso_8601, 11, 2), mi = field(iso_8601, 14, 2), s = field(iso_8601, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)}, day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  return duration_cast<seconds>(sys_days(date).time_since_epoch()).count() + std::int64_t{*h} * 3600 +
         std::int64_t{*mi} * 60 + *s;
}

std::string iso_without_zone(std::int64_t unix_s) {
  using namespace std::chrono;
  const sys_seconds at{seconds{unix_s}};
  const sys_days day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

}  // namespace haywatt::trace
