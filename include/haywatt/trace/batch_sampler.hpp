/// Which batches of a loop a profiler looks at, so that looking stays cheap and sums stay unbiased.
#pragma once
#include <cstdint>

namespace haywatt::trace {

/// Stratified sampling: the loop is cut into stretches of k batches, one batch of each is drawn at random and stands
/// for k. k is 16 until a batch was looked at, then follows from what that cost and from how long batches take.
/// One sampler a kind of batch (training, validation; full, last). Not thread-safe.
class BatchSampler {
 public:
  /// `share` of the time that looking may take, at least 1e-4; 1 or more sees every batch.
  BatchSampler(double share, std::uint64_t seed) noexcept;

  /// A loop begins; what was learned in loops before is kept.
  void begin_loop() noexcept { at_ = length_ = 0; }

  /// The weight of the next batch; 0: not to be looked at. `left`: batches of this kind still to come, it included, at
  /// least 1; the weights of `left` batches add up to `left` if so many come.
  [[nodiscard]] double next(std::uint64_t left) noexcept;

  /// What the batch took, and how much of that was looking as far as the watcher knows (0 if it was not looked at).
  /// What a batch that is looked at takes beyond the others counts as looking too, up to four times what is known.
  void learn(double batch_s, double looking_s) noexcept;

  [[nodiscard]] std::uint64_t stretch() const noexcept { return longest_; }

 private:
  double share_;
  std::uint64_t state_;
  std::uint64_t longest_ = 16;                    ///< k of stretches to come
  std::uint64_t length_ = 0, seen_ = 0, at_ = 0;  ///< the stretch: its length, whose batch is seen, the next batch
  double batch_s_ = 0.0, looking_s_ = 0.0;        ///< moving means
};

}  // namespace haywatt::trace
