/// Layers by hand: their shapes, names and counts.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "haywatt/codec/baler/project.hpp"

namespace haywatt::baler {

[[nodiscard]] Layer linear_layer(std::uint32_t inputs, std::uint32_t outputs);
/// An activation or normalisation between layers of this shape.
[[nodiscard]] Layer elementwise_layer(Layer::Kind kind, const Shape& shape, double slope = 0.01);
/// Output size (in + 2*padding - kernel) / stride + 1, as torch.nn.Conv2d. Shape of 0 if it does not fit.
[[nodiscard]] Layer conv_layer(const Shape& in, std::uint32_t outputs, std::array<std::uint32_t, 2> kernel,
                               std::uint32_t stride, std::uint32_t padding);
/// Output size (in - 1) * stride - 2*padding + kernel + output_padding, as torch.nn.ConvTranspose2d.
[[nodiscard]] Layer conv_transpose_layer(const Shape& in, std::uint32_t outputs, std::array<std::uint32_t, 2> kernel,
                                         std::uint32_t stride, std::uint32_t padding, std::uint32_t output_padding);

/// How many weights and biases a layer must have.
[[nodiscard]] std::uint64_t weight_count(const Layer& layer);
[[nodiscard]] std::uint64_t bias_count(const Layer& layer);
[[nodiscard]] std::uint64_t macs_per_row(const Layer& layer);

[[nodiscard]] std::string_view kind_name(Layer::Kind kind);  ///< "linear", "conv", …
[[nodiscard]] std::optional<Layer::Kind> kind_of(std::string_view name);

}  // namespace haywatt::baler
