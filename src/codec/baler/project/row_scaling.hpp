/// Baler's min-max normalisation on whole rows, as it computes it and as it is meant.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "codec/baler/project/type_list.hpp"
#include "haywatt/codec/baler/project.hpp"

namespace haywatt::baler {

/// numpy's min and max - min over the rows, a feature each, in the data's own type, as Baler finds them anew when it
/// compresses. Integers wrap, float16 rounds, NaN spreads.
class RangeScan {
 public:
  RangeScan(const DType& type, std::uint64_t features);
  /// Rows in C order. Not thread-safe.
  void add(ByteSpan rows);
  void merge(const RangeScan& other);
  /// The minimum and the maximum, or nothing if there were no rows: add() of it does what merge() does.
  [[nodiscard]] ByteVector extremes() const;
  [[nodiscard]] const DType& type() const { return type_; }
  [[nodiscard]] ByteSpan minimum() const { return low_; }
  [[nodiscard]] ByteVector range() const;

 private:
  DType type_;
  std::uint64_t features_;
  bool any_ = false;
  ByteVector low_, high_;
};

/// Values of the input's type to what the network sees, as double or float rows. Immutable, thread-safe.
class InputScaler {
 public:
  virtual ~InputScaler() = default;
  /// Exactly one of `f8` and `f4` is not null. Returns how many values were not finite (only counted where they are
  /// replaced).
  virtual std::uint64_t run(ByteSpan rows, double* f8, float* f4) const = 0;
};

/// No normalisation: only the cast. With `replace`, NaN and infinities count as 0.
[[nodiscard]] std::unique_ptr<InputScaler> cast_scaler(const DType& type, bool replace);
/// As Baler: (x - min) / range in numpy's arithmetic of the type; 0/0 is NaN. Error(BadInput) for bool, which numpy
/// does not subtract.
[[nodiscard]] std::unique_ptr<InputScaler> numpy_scaler(const RangeScan& scan, std::uint64_t features);
/// By the training range, in float if it and the data are, else in double. A constant column, NaN and infinities count
/// as 0, the minimum.
[[nodiscard]] std::unique_ptr<InputScaler> training_scaler(const DType& type, const ProjectModel& model);

/// From the decoder's output to values. Immutable, thread-safe.
class OutputScaler {
 public:
  /// `as_baler`: casts truncate, and with custom_norm the range is applied all the same.
  OutputScaler(const ProjectModel& model, bool as_baler);
  /// Whether results are double, as numpy promotes the network's type and the range's; else they are float.
  [[nodiscard]] bool gives_double() const { return gives_double_; }
  /// Rows of values; O is double if gives_double(), else float.
  template <class T, class O>
  void run(const T* y, std::size_t rows, O* out) const;
  /// One value of feature `f`; the same bits.
  [[nodiscard]] double value(std::uint64_t f, double y) const {
    double v = y;
    if (!low_.empty()) {
      if (gives_double_) {
        v = y * range_[f] + low_[f];
      } else {
        const float product = static_cast<float>(y) * static_cast<float>(range_[f]);
        v = static_cast<double>(product + static_cast<float>(low_[f]));
      }
    }
    if (!casts_.empty()) v = cast(casts_[f], v);
    return gives_double_ ? v : static_cast<double>(static_cast<float>(v));
  }

 private:
  [[nodiscard]] double cast(const ColumnCast& to, double v) const {
    return as_baler_ ? cast_as_numpy(to, v) : cast_nearest(to, v);
  }
  bool as_baler_, gives_double_;
  std::size_t features_;
  std::vector<double> low_, range_;
  std::vector<ColumnCast> casts_;           ///< of all features, or none
  std::vector<std::size_t> cast_features_;  ///< those that a cast changes
};

}  // namespace haywatt::baler
