#include "codec/classical/array_shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace haywatt {
namespace {

template <class F>
auto visit_float(const DType& type, F&& f) {
  return type.size == 4 ? f(float{}) : f(double{});
}

}  // namespace

std::vector<std::uint64_t> array_extents(const ColumnTask& task, std::size_t most) {
  std::vector<std::uint64_t> extents;
  if (task.rows != 1) extents.push_back(task.rows);
  for (const std::uint64_t n : task.inner_shape)
    if (n != 1) extents.push_back(n);
  if (extents.empty()) extents.push_back(1);
  while (extents.size() > most) {
    extents[1] *= extents[0];
    extents.erase(extents.begin());
  }
  return extents;
}

ByteVector finite_copy(const DType& type, ByteSpan values) {
  ByteVector copy(values.begin(), values.end());
  visit_float(type, [&]<class T>(T before) {
    for (std::size_t i = 0; i + sizeof(T) <= copy.size(); i += sizeof(T)) {
      T v;
      std::memcpy(&v, copy.data() + i, sizeof(T));
      if (std::isfinite(v))
        before = v;
      else
        std::memcpy(copy.data() + i, &before, sizeof(T));
    }
  });
  return copy;
}

double largest_magnitude(const DType& type, ByteSpan values) {
  return visit_float(type, [&]<class T>(T largest) {
    for (std::size_t i = 0; i + sizeof(T) <= values.size(); i += sizeof(T)) {
      T v;
      std::memcpy(&v, values.data() + i, sizeof(T));
      largest = std::max(largest, std::fabs(v));
    }
    return static_cast<double>(largest);
  });
}

bool worth_a_tolerance(const DType& type, ByteSpan values, double epsilon) {
  const double magnitude = largest_magnitude(type, values);
  const double largest = type.size == 4 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  return epsilon >= std::ldexp(magnitude, type.size == 4 ? -21 : -50) && magnitude < largest / 4;
}

}  // namespace haywatt
