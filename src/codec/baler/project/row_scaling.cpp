#include "codec/baler/project/row_scaling.hpp"

#include <algorithm>
#include <cmath>

#include "codec/baler/project/numpy_half.hpp"
#include "codec/baler/scalars.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

template <class T>
bool is_nan(T v) {
  if constexpr (std::is_same_v<T, Half>) {
    return std::isnan(half_to_float(v));
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(v);
  } else {
    return false;
  }
}

template <class T>
bool less(T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_to_float(a) < half_to_float(b);
  } else {
    return a < b;
  }
}

/// a - b in T, as numpy: integers wrap, float16 is computed in float and rounded.
template <class T>
T subtract(T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return double_to_half(static_cast<double>(half_to_float(a) - half_to_float(b)));
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(a) - static_cast<U>(b)));
  } else {
    return static_cast<T>(a - b);
  }
}

/// a / b: in T for floats, in double for integers.
template <class T>
auto divide(T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return round_to_half(half_to_float(a) / half_to_float(b));
  } else if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    return static_cast<double>(a) / static_cast<double>(b);
  }
}

template <class T>
void put(ByteVector& to, std::size_t at, T v) {
  std::memcpy(to.data() + at * sizeof(T), &v, sizeof(T));
}

/// value(i, f) of every value i, feature f of its row, to whichever target there is.
template <class F>
void fill(std::size_t count, std::size_t features, double* f8, float* f4, F&& value) {
  for (std::size_t row = 0; row < count; row += features) {
    if (f8 != nullptr) {
      for (std::size_t f = 0; f < features; ++f) f8[row + f] = static_cast<double>(value(row + f, f));
    } else {
      for (std::size_t f = 0; f < features; ++f) f4[row + f] = static_cast<float>(value(row + f, f));
    }
  }
}

template <class T>
class CastScaler final : public InputScaler {
 public:
  explicit CastScaler(bool replace) : replace_(replace) {}
  std::uint64_t run(ByteSpan rows, double* f8, float* f4) const override {
    std::uint64_t replaced = 0;
    const std::size_t count = rows.size() / sizeof(T);
    fill(count, count, f8, f4, [&](std::size_t i, std::size_t) {
      const auto x = to_working(load<T>(rows.data() + i * sizeof(T)));
      if (!replace_ || std::isfinite(x)) return x;
      ++replaced;
      return Working<T>{0};
    });
    return replaced;
  }

 private:
  bool replace_;
};

template <class T>
class NumpyScaler final : public InputScaler {
 public:
  NumpyScaler(const RangeScan& scan, std::uint64_t features) {
    const ByteVector range = scan.range();
    for (std::size_t f = 0; f < features; ++f) {
      low_.push_back(load<T>(scan.minimum().data() + f * sizeof(T)));
      range_.push_back(load<T>(range.data() + f * sizeof(T)));
    }
  }
  std::uint64_t run(ByteSpan rows, double* f8, float* f4) const override {
    fill(rows.size() / sizeof(T), low_.size(), f8, f4, [&](std::size_t i, std::size_t f) {
      return divide(subtract<T>(load<T>(rows.data() + i * sizeof(T)), low_[f]), range_[f]);
    });
    return 0;
  }

 private:
  std::vector<T> low_, range_;
};

template <class T, class W>
class TrainingScaler final : public InputScaler {
 public:
  explicit TrainingScaler(const ProjectModel& model) {
    for (std::size_t f = 0; f < model.minimum.size(); ++f) {
      low_.push_back(static_cast<W>(model.minimum[f]));
      range_.push_back(static_cast<W>(model.range[f]));
    }
  }
  std::uint64_t run(ByteSpan rows, double* f8, float* f4) const override {
    std::uint64_t replaced = 0;
    fill(rows.size() / sizeof(T), low_.size(), f8, f4, [&](std::size_t i, std::size_t f) {
      const W x = static_cast<W>(to_working(load<T>(rows.data() + i * sizeof(T))));
      const bool finite = x - x == W{0};
      replaced += !finite;
      // Selected, not branched on, so that the loop can run on several features at once.
      const W t = (x - low_[f]) / range_[f];
      return finite && range_[f] != W{0} ? t : W{0};
    });
    return replaced;
  }

 private:
  std::vector<W> low_, range_;
};

bool single(const DType& t) { return t.kind == ScalarKind::Float && t.size <= 4; }

}  // namespace

RangeScan::RangeScan(const DType& type, std::uint64_t features) : type_(type), features_(features) {}

void RangeScan::add(ByteSpan rows) {
  if (rows.empty()) return;
  visit_type(type_, [&](auto tag) {
    using T = decltype(tag);
    const auto count = static_cast<std::size_t>(features_);
    if (!any_) {
      low_.assign(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count * sizeof(T)));
      high_ = low_;
      any_ = true;
    }
    for (std::size_t i = 0, f = 0; i < rows.size() / sizeof(T); ++i) {
      const T x = load<T>(rows.data() + i * sizeof(T));
      // A NaN beats everything, and stays since nothing is less than it.
      if (less(x, load<T>(low_.data() + f * sizeof(T))) || is_nan(x)) put(low_, f, x);
      if (less(load<T>(high_.data() + f * sizeof(T)), x) || is_nan(x)) put(high_, f, x);
      if (++f == count) f = 0;
    }
  });
}

void RangeScan::merge(const RangeScan& other) {
  if (!other.any_) return;
  add(other.low_);
  add(other.high_);
}

ByteVector RangeScan::extremes() const {
  ByteVector both = low_;
  both.insert(both.end(), high_.begin(), high_.end());
  return both;
}

ByteVector RangeScan::range() const {
  ByteVector out(low_.size());
  visit_type(type_, [&](auto tag) {
    using T = decltype(tag);
    for (std::size_t f = 0; f < out.size() / sizeof(T); ++f)
      put(out, f, subtract<T>(load<T>(high_.data() + f * sizeof(T)), load<T>(low_.data() + f * sizeof(T))));
  });
  return out;
}

std::unique_ptr<InputScaler> cast_scaler(const DType& type, bool replace) {
  return visit_type(type, [&](auto tag) -> std::unique_ptr<InputScaler> {
    return std::make_unique<CastScaler<decltype(tag)>>(replace);
  });
}

std::unique_ptr<InputScaler> numpy_scaler(const RangeScan& scan, std::uint64_t features) {
  return visit_type(scan.type(), [&](auto tag) -> std::unique_ptr<InputScaler> {
    if constexpr (std::is_same_v<decltype(tag), bool>) {
      fail_input("Baler cannot normalise truth values (numpy does not subtract them): leave out --as-baler");
    } else {
      return std::make_unique<NumpyScaler<decltype(tag)>>(scan, features);
    }
  });
}

std::unique_ptr<InputScaler> training_scaler(const DType& type, const ProjectModel& model) {
  return visit_type(type, [&](auto tag) -> std::unique_ptr<InputScaler> {
    using T = decltype(tag);
    if (single(type) && single(model.range_type)) return std::make_unique<TrainingScaler<T, float>>(model);
    return std::make_unique<TrainingScaler<T, double>>(model);
  });
}

OutputScaler::OutputScaler(const ProjectModel& model, bool as_baler)
    : as_baler_(as_baler), gives_double_(!model.float32), features_(static_cast<std::size_t>(model.features())) {
  const ProjectSettings& s = model.settings;
  if (s.apply_normalization && (as_baler || !s.custom_norm)) {
    low_ = model.minimum;
    range_ = model.range;
    // numpy: float32 with float64 or with integers of 32 bits and more is float64.
    gives_double_ =
        gives_double_ || (model.range_type.is_float() ? model.range_type.size == 8 : model.range_type.size >= 4);
  }
  for (const std::string& name : s.type_list) {
    casts_.push_back(*column_cast(name));
    if (casts_.back().kind != ColumnCast::Kind::Float || casts_.back().bytes != 8)
      cast_features_.push_back(casts_.size() - 1);
  }
}

template <class T, class O>
void OutputScaler::run(const T* y, std::size_t rows, O* out) const {
  for (std::size_t r = 0; r < rows; ++r, y += features_, out += features_) {
    if (low_.empty()) {
      for (std::size_t f = 0; f < features_; ++f) out[f] = static_cast<O>(y[f]);
    } else if (gives_double_) {
      for (std::size_t f = 0; f < features_; ++f)
        out[f] = static_cast<O>(static_cast<double>(y[f]) * range_[f] + low_[f]);
    } else {
      for (std::size_t f = 0; f < features_; ++f) out[f] = static_cast<O>(value(f, static_cast<double>(y[f])));
      continue;
    }
    for (const std::size_t f : cast_features_) out[f] = static_cast<O>(cast(casts_[f], static_cast<double>(out[f])));
  }
}

template void OutputScaler::run(const double*, std::size_t, double*) const;
template void OutputScaler::run(const double*, std::size_t, float*) const;
template void OutputScaler::run(const float*, std::size_t, double*) const;
template void OutputScaler::run(const float*, std::size_t, float*) const;

}  // namespace haywatt::baler
