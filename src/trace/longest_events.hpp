/// Keeps the longest of many events in bounded memory.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

class LongestEvents {
 public:
  explicit LongestEvents(std::size_t most) : most_(most) {}

  void add(const TimelineEvent& e) {
    if (e.end_s - e.start_s < least_s_) {
      ++left_out_;
      return;
    }
    events_.push_back(e);
    if (events_.size() >= 2 * most_) shrink();
  }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }
  /// By start. Leaves it empty; left_out() is final afterwards.
  [[nodiscard]] std::vector<TimelineEvent> take() {
    shrink();
    std::sort(events_.begin(), events_.end(),
              [](const TimelineEvent& a, const TimelineEvent& b) { return a.start_s < b.start_s; });
    return std::move(events_);
  }

 private:
  void shrink() {
    if (events_.size() <= most_) return;
    const auto longer = [](const TimelineEvent& a, const TimelineEvent& b) {
      return a.end_s - a.start_s > b.end_s - b.start_s;
    };
    std::nth_element(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(most_), events_.end(), longer);
    left_out_ += events_.size() - most_;
    least_s_ = events_[most_].end_s - events_[most_].start_s;
    events_.resize(most_);
  }

  std::size_t most_;
  std::vector<TimelineEvent> events_;
  double least_s_ = 0.0;
  std::uint64_t left_out_ = 0;
};

}  // namespace haywatt::trace
