/// Samples of a run in bounded memory.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "haywatt/record/record.hpp"

namespace haywatt::meter {

/// Keeps at most 2,000 samples: then every second one, and so on.
class SampleSeries {
 public:
  SampleSeries() { samples_.reserve(most + 1); }
  void add(const SampleRecord& s) {
    if (taken_++ % stride_ != 0) return;
    samples_.push_back(s);
    if (samples_.size() <= most) return;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < samples_.size(); i += 2) samples_[kept++] = samples_[i];
    samples_.resize(kept);
    stride_ *= 2;
  }
  [[nodiscard]] std::vector<SampleRecord> take() { return std::move(samples_); }

 private:
  static constexpr std::size_t most = 2'000;
  std::vector<SampleRecord> samples_;
  std::uint64_t stride_ = 1, taken_ = 0;
};

}  // namespace haywatt::meter
