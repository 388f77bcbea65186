#include "codec/baler/project/bound_keeper.hpp"

#include <algorithm>
#include <cmath>

#include "codec/baler/project/numpy_half.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {

template <class T>
void find_as_baler(const T* d, const T* x, std::size_t count, double percent, std::uint64_t first_position,
                   Corrections& out) {
  const T most = static_cast<T>(percent);
  for (std::size_t i = 0; i < count; ++i) {
    const T r = (d[i] - x[i]) / x[i] * T{100};
    if (std::isinf(r) || !(std::fabs(r) > most)) continue;
    const float decoded = half_to_float(double_to_half(static_cast<double>(d[i])));
    const float wanted = half_to_float(double_to_half(static_cast<double>(x[i])));
    out.positions.push_back(first_position + i);
    out.values.push_back(double_to_half(static_cast<double>(decoded - wanted)));
  }
}

BoundKeeper::BoundKeeper(const ProjectModel& model, double percent)
    : output_(model, false), share_(percent / 100.0), features_(static_cast<std::size_t>(model.features())) {
  if (!model.settings.apply_normalization || model.settings.custom_norm) return;
  low_ = model.minimum;
  range_ = model.range;
}

bool BoundKeeper::holds(double x, double decoded) const { return std::fabs(decoded - x) <= share_ * std::fabs(x); }

template <class T>
void BoundKeeper::find(const DType& type, ByteSpan original, const T* d, std::uint64_t first_position,
                       FoundCorrections& out) const {
  visit_type(type, [&](auto tag) {
    using S = decltype(tag);
    std::size_t f = 0;
    for (std::size_t i = 0; i < original.size() / sizeof(S); ++i, f = f + 1 == features_ ? 0 : f + 1) {
      const double x = static_cast<double>(to_working(load<S>(original.data() + i * sizeof(S))));
      double decoded = output_.value(f, static_cast<double>(d[i]));
      if (!(std::isfinite(x) && holds(x, decoded))) {
        bool corrects = false;
        if (std::isfinite(x)) {
          const double target = low_.empty() ? x : range_[f] != 0.0 ? (x - low_[f]) / range_[f] : 0.0;
          const Half half = double_to_half(static_cast<double>(d[i]) - target);
          const double better = output_.value(f, static_cast<double>(corrected(d[i], half)));
          corrects = (half.bits & 0x7fffU) != 0 && holds(x, better);
          if (corrects) {
            out.halves.positions.push_back(first_position + i);
            out.halves.values.push_back(half);
            decoded = better;
          }
        }
        if (!corrects) {
          decoded = output_.gives_double() ? x : static_cast<double>(static_cast<float>(x));
          if (std::isfinite(x) && !holds(x, decoded))
            fail_input("the model's values are float32, which cannot hold a bound as tight as this: take a larger one");
          out.exact_positions.push_back(first_position + i);
          out.exact_values.push_back(x);
        }
      }
      if (std::isfinite(x) && x != 0.0)
        out.worst_relative = std::max(out.worst_relative, std::fabs(decoded - x) / std::fabs(x));
    }
  });
}

template void find_as_baler(const double*, const double*, std::size_t, double, std::uint64_t, Corrections&);
template void find_as_baler(const float*, const float*, std::size_t, double, std::uint64_t, Corrections&);
template void BoundKeeper::find(const DType&, ByteSpan, const double*, std::uint64_t, FoundCorrections&) const;
template void BoundKeeper::find(const DType&, ByteSpan, const float*, std::uint64_t, FoundCorrections&) const;

}  // namespace haywatt::baler
