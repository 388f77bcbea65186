#include "meter/sensors/counter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "haywatt/base/text.hpp"

namespace haywatt::meter {
namespace {

/// The file may be read this much later than the clock, and the counter may have lagged: added to the time of a step.
constexpr double late_s = 0.1;
/// So fast may a counter wrap twice unseen: a declared bound, twice the largest CPU sold.
constexpr double likely_most_W = 1'000.0;

}  // namespace

double seconds_since_boot() noexcept {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void Counter::advance(std::uint64_t now, double at_s) noexcept {
  const std::uint64_t before = last_.value_or(now);
  const double gap_s = last_ ? at_s - last_s_ : 0.0;
  last_ = now;
  last_s_ = at_s;
  if (trouble_ != Trouble::None) return;
  const double range_J = static_cast<double>(range_) * unit_J_;
  if (range_ != 0 && gap_s * likely_most_W > range_J) {
    trouble_ = Trouble::NotReadForLong;
    gap_s_ = gap_s;
    return;
  }
  if (now >= before) {
    total_ += now - before;
    return;
  }
  if (range_ != 0 && before <= range_) {
    const std::uint64_t step = range_ - before + now;
    as_wrap_W_ = static_cast<double>(step) * unit_J_ / (gap_s + late_s);
    if (as_wrap_W_ <= most_W_) {
      total_ += step;
      return;
    }
  }
  trouble_ = Trouble::WentBack;
  from_ = before;
  to_ = now;
}

std::string Counter::problem() const {
  switch (trouble_) {
    case Trouble::None:
      return {};
    case Trouble::WentBack:
      return fmt::format("the counter went back from {} to {}, which no wrap explains{}: it was reset", from_, to_,
                         as_wrap_W_ > 0.0
                             ? fmt::format(" (it would mean {}, the most is {})", si(as_wrap_W_, "W"), si(most_W_, "W"))
                             : std::string{});
    case Trouble::NotReadForLong:
      return fmt::format("the counter was not read for {:.0f} s, in which it may have wrapped more than once", gap_s_);
  }
  return {};
}

void PowerIntegral::add(double at_s, double watts) noexcept {
  if (last_W_) total_J_ += 0.5 * (*last_W_ + watts) * std::max(0.0, at_s - last_s_);
  last_W_ = watts;
  last_s_ = at_s;
  seen_ = seen_ || watts > 0.0;
}

double PowerIntegral::joules(double at_s) noexcept {
  told_J_ = std::max(told_J_, total_J_ + last_W() * std::max(0.0, at_s - last_s_));
  return told_J_;
}

}  // namespace haywatt::meter
