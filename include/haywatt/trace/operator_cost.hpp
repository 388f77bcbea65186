/// What one call of a libtorch operator does, counted from the shapes of its inputs. The rules: docs/counting.md.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "haywatt/base/operator.hpp"

namespace haywatt::trace {

/// Of one tensor. More than 6 dimensions count as 6, the last holding the rest.
struct TensorShape {
  std::array<std::int64_t, 6> sizes{};
  std::uint8_t dimensions = 0;
  std::uint8_t item_B = 4;  ///< bytes of a value
  [[nodiscard]] double values() const noexcept {
    double all = 1.0;
    for (std::size_t i = 0; i < dimensions; ++i) all *= static_cast<double>(sizes[i]);
    return all;
  }
  [[nodiscard]] double bytes() const noexcept { return values() * item_B; }
};

/// `name`: "aten::addmm"; `inputs`: its tensors in order, those of lists too. Operators that only call others or make
/// views do nothing themselves: all 0. For operators not known here all are negative. `parameters` and `allocated_B`
/// are left alone.
[[nodiscard]] OperatorCost operator_cost(std::string_view name, std::span<const TensorShape> inputs) noexcept;

/// Whether it multiplies matrices, so that it is where a layer's parameters are used.
[[nodiscard]] bool is_product(std::string_view name) noexcept;

}  // namespace haywatt::trace
