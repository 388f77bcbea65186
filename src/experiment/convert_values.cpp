#include "experiment/convert_values.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "codec/classical/half.hpp"
#include "data/value_types.hpp"
#include "haywatt/data/statistics.hpp"

namespace haywatt::experiment {
namespace {

template <class T>
T from_double(double x) {
  if constexpr (std::is_same_v<T, Half>) {
    return Half{half_from_double(x)};
  } else if constexpr (std::is_same_v<T, Bool8>) {
    return Bool8{static_cast<std::uint8_t>(x != 0.0 ? 1 : 0)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(x);
  } else {
    if (std::isnan(x)) return 0;
    const double whole = std::nearbyint(x);
    // The limits as doubles may lie one beyond what the type holds: >= and not >.
    if (whole >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    if (whole <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    return static_cast<T>(whole);
  }
}

}  // namespace

ByteVector convert_values(const DType& from, ByteSpan values, const DType& to) {
  if (from.kind == to.kind && from.size == to.size) return {values.begin(), values.end()};
  const std::vector<double> numbers = to_doubles(from, values);
  ByteVector out(numbers.size() * to.size);
  visit_type(to, [&]<class T>(T) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const T v = from_double<T>(numbers[i]);
      std::memcpy(out.data() + i * sizeof(T), &v, sizeof(T));
    }
  });
  return out;
}

}  // namespace haywatt::experiment
