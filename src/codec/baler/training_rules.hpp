/// The rules of Baler's training that need no tensors: which rows are tested, when the learning rate falls, when
/// training stops. Header-only, so that the plug-in needs no library of ours.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace haywatt::baler {

/// numpy.random.RandomState(seed).permutation(count): MT19937, Fisher-Yates from the end, bounded numbers by masked
/// rejection (numpy/random/src/distributions: random_interval).
[[nodiscard]] inline std::vector<std::int64_t> numpy_permutation(std::uint32_t seed, std::uint64_t count) {
  std::mt19937 generator(seed);
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::uint64_t i = count; i-- > 1;) {
    std::uint64_t mask = i;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    std::uint64_t j = 0;
    do {
      if (i <= std::numeric_limits<std::uint32_t>::max()) {
        j = generator() & mask;
      } else {
        const std::uint64_t high = generator();
        j = ((high << 32) | generator()) & mask;
      }
    } while (j > i);
    std::swap(order[i], order[j]);
  }
  return order;
}

struct Split {
  std::vector<std::int64_t> train, test;
};

/// sklearn's train_test_split(rows, test_size=…, random_state=1): the test part is the first ceil(test_size * count) of
/// the permutation, the training part the rest in its order. `test_size` 0: no test part, rows in their own order.
[[nodiscard]] inline Split split_rows(std::uint64_t count, double test_size) {
  Split split;
  if (test_size <= 0.0) {
    split.train.resize(count);
    std::iota(split.train.begin(), split.train.end(), 0);
    return split;
  }
  const std::vector<std::int64_t> order = numpy_permutation(1, count);
  const auto tested = static_cast<std::ptrdiff_t>(std::ceil(test_size * static_cast<double>(count)));
  split.test.assign(order.begin(), order.begin() + tested);
  split.train.assign(order.begin() + tested, order.end());
  return split;
}

/// torch's ReduceLROnPlateau(mode="min", factor=0.5, patience, threshold=1e-4 relative, min_lr=1e-6).
class PlateauSchedule {
 public:
  PlateauSchedule(double lr, int patience) : lr_(lr), patience_(patience) {}
  /// After an epoch with this validation loss; returns the learning rate of the next.
  double step(double loss) {
    if (loss < best_ * (1.0 - threshold)) {
      best_ = loss;
      bad_epochs_ = 0;
    } else {
      ++bad_epochs_;
    }
    if (bad_epochs_ > patience_) {
      const double lower = std::max(lr_ * factor, least_lr);
      if (lr_ - lower > least_change) lr_ = lower;
      bad_epochs_ = 0;
    }
    return lr_;
  }

 private:
  static constexpr double factor = 0.5, threshold = 1e-4, least_lr = 1e-6, least_change = 1e-8;
  double lr_;
  int patience_;
  double best_ = std::numeric_limits<double>::infinity();
  int bad_epochs_ = 0;
};

/// Baler's early stopping: an epoch counts against `patience` if it is better than the best by less than min_delta (or
/// worse), resets it if by more, and does neither if by exactly min_delta.
class EarlyStopping {
 public:
  EarlyStopping(int patience, double min_delta) : patience_(patience), min_delta_(min_delta) {}
  /// True if training stops after an epoch with this validation loss.
  bool step(double loss) {
    if (first_) {
      best_ = loss;
      first_ = false;
    } else if (best_ - loss > min_delta_) {
      best_ = loss;
      bad_epochs_ = 0;
    } else if (best_ - loss < min_delta_) {
      ++bad_epochs_;
    }
    return bad_epochs_ >= patience_;
  }

 private:
  int patience_;
  double min_delta_;
  double best_ = 0.0;
  int bad_epochs_ = 0;
  bool first_ = true;
};

}  // namespace haywatt::baler
