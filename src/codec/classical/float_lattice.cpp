#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codec/classical/half.hpp"
#include "codec/classical/lattice.hpp"
#include "data/value_types.hpp"

namespace haywatt {
namespace {

/// |index| stays below this, so that adding `rounder` leaves the index, rounded half to even, in the low bits.
constexpr double index_limit = 0x1p51;
constexpr double rounder = 0x1.8p52;

std::int64_t nearest_index(double t) {
  return std::bit_cast<std::int64_t>(t + rounder) - std::bit_cast<std::int64_t>(rounder);
}

std::vector<double> as_doubles(const DType& type, ByteSpan values) {
  std::vector<double> x(values.size() / type.size);
  visit_type(type, [&]<class T>(T) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      T v;
      std::memcpy(&v, values.data() + i * sizeof(T), sizeof(T));
      x[i] = to_double(v);
    }
  });
  return x;
}

/// The value of `type` nearest to d, as a double.
double rounded_to(const DType& type, double d) {
  if (type.size == 8) return d;
  if (type.size == 4) return static_cast<double>(static_cast<float>(d));
  return to_double(Half{half_from_double(d)});
}

struct FloatFormat {
  int precision;  ///< mantissa bits with the leading one
  double least_normal;
  double largest;
};
FloatFormat format_of(const DType& type) {
  if (type.size == 2) return {11, 0x1p-14, 65504.0};
  if (type.size == 4) return {24, std::numeric_limits<float>::min(), std::numeric_limits<float>::max()};
  return {53, std::numeric_limits<double>::min(), std::numeric_limits<double>::max()};
}

struct Extent {
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();
  [[nodiscard]] double magnitude() const { return std::max(std::fabs(minimum), std::fabs(maximum)); }
};
Extent finite_extent(const std::vector<double>& x) {
  Extent e;
  for (const double v : x)
    if (std::isfinite(v)) {
      e.minimum = std::min(e.minimum, v);
      e.maximum = std::max(e.maximum, v);
    }
  if (e.minimum > e.maximum) e = {0.0, 0.0};
  return e;
}

/// How far reconstruction in double and rounding to the type can move a point.
double rounding_reserve(const FloatFormat& format, double magnitude) {
  int exponent = 0;
  (void)std::frexp(magnitude, &exponent);
  const double in_double = 3 * std::ldexp(1.0, exponent - 53);
  return format.precision == 53 ? in_double : in_double + std::ldexp(0.5, exponent - format.precision);
}

/// Indices on a given lattice; values without one (NaN, infinities) repeat the index before, which costs least.
void fill_indices(const std::vector<double>& x, FloatIndices& r) {
  const double inverse = 1.0 / r.lattice.step;
  const double base = r.lattice.base;
  r.words.resize(x.size());
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t before = 0;
  bool any = false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = (x[i] - base) * inverse;
    if (std::fabs(t) <= index_limit) {
      before = nearest_index(t);
      least = std::min(least, before);
      any = true;
    } else if (!any) {
      continue;  // filled below, once there is an index to repeat
    }
    r.words[i] = static_cast<std::uint64_t>(before);
  }
  if (!any) least = 0;
  std::size_t lead = 0;
  while (lead < x.size() && !(std::fabs((x[lead] - base) * inverse) <= index_limit)) ++lead;
  const std::uint64_t start = lead < x.size() ? r.words[lead] : 0;
  std::fill(r.words.begin(), r.words.begin() + static_cast<std::ptrdiff_t>(lead), start);
  for (std::uint64_t& w : r.words) w -= static_cast<std::uint64_t>(least);
  r.lattice.first = least;
}

/// Held within the finite values of the type: a point beyond them belongs to a value before it.
double point(const FloatLattice& l, std::uint64_t word, double largest) {
  const auto index = static_cast<std::int64_t>(static_cast<std::uint64_t>(l.first) + word);
  return std::clamp(l.base + static_cast<double>(index) * l.step, -largest, largest);
}

std::uint64_t count_misses(const DType& type, const std::vector<double>& x, const FloatIndices& r, double epsilon) {
  const FloatFormat format = format_of(type);
  std::uint64_t misses = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool tiny = std::fabs(x[i]) < format.least_normal && std::bit_cast<std::uint64_t>(x[i]) != 0;
    const double error = std::fabs(rounded_to(type, point(r.lattice, r.words[i], format.largest)) - x[i]);
    misses += static_cast<std::uint64_t>(tiny || !(error <= epsilon));
  }
  return misses;
}

}  // namespace

std::optional<FloatIndices> quantise_floats(const DType& type, ByteSpan values, double epsilon) {
  const std::vector<double> x = as_doubles(type, values);
  const Extent extent = finite_extent(x);
  const double aim = std::min(epsilon * encoder_margin, 0x1p1020);
  const double reserve = rounding_reserve(format_of(type), extent.magnitude());
  FloatIndices r;
  r.lattice.step = reserve <= aim / 4 ? 2 * (aim - reserve) : std::ldexp(1.0, std::ilogb(aim) + 1);
  if (!(r.lattice.step > 0) || !std::isfinite(1.0 / r.lattice.step)) return std::nullopt;
  if (!(extent.magnitude() / r.lattice.step < index_limit)) {
    r.lattice.base = extent.minimum;
    if (!((extent.maximum - extent.minimum) / r.lattice.step < index_limit)) return std::nullopt;
  }
  fill_indices(x, r);
  r.misses = count_misses(type, x, r, aim);
  return r;
}

std::optional<FloatIndices> quantise_whole_floats(const DType& type, ByteSpan values) {
  const std::vector<double> x = as_doubles(type, values);
  for (const double v : x)
    if (!(std::fabs(v) < index_limit) || v != std::trunc(v) || (v == 0 && std::signbit(v))) return std::nullopt;
  FloatIndices r;
  fill_indices(x, r);
  return r;
}

ByteVector reconstruct_floats(const DType& type, const FloatLattice& lattice, std::span<const std::uint64_t> words) {
  ByteVector values(words.size() * type.size);
  const double largest = format_of(type).largest;
  const auto fill = [&]<class T>(auto&& round) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const T v = round(point(lattice, words[i], largest));
      std::memcpy(values.data() + i * sizeof(T), &v, sizeof(T));
    }
  };
  if (type.size == 2)
    fill.template operator()<std::uint16_t>([](double d) { return half_from_double(d); });
  else if (type.size == 4)
    fill.template operator()<float>([](double d) { return static_cast<float>(d); });
  else
    fill.template operator()<double>([](double d) { return d; });
  return values;
}

}  // namespace haywatt
