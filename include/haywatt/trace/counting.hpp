/// How much arithmetic a network is, under our convention and those of other counters (docs/counting.md). Pure
/// functions of shapes. All counts are exact whole numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/codec/baler/project.hpp"

namespace haywatt::trace {

/// Whose rules to count by.
enum class Convention : std::uint8_t {
  Haywatt,          ///< FLOPs, 2 a multiply-accumulate; biases, activations and normalisations too
  PyTorch,          ///< torch.utils.flop_counter.FlopCounterMode
  PyTorchProfiler,  ///< torch.profiler's with_flops
  Ptflops,          ///< ptflops, its default backend "pytorch"
  PtflopsAten,      ///< ptflops, backend "aten"
  Fvcore,           ///< fvcore.nn.FlopCountAnalysis
  DeepliteProfiler,
};
[[nodiscard]] std::string_view convention_name(Convention convention) noexcept;  ///< "pytorch-profiler"
[[nodiscard]] std::optional<Convention> convention_of(std::string_view name) noexcept;
/// What its number is called: "FLOPs" or "MACs".
[[nodiscard]] std::string_view convention_unit(Convention convention) noexcept;

/// One step of a network, by its shapes alone. Sizes of one row, without the batch.
struct CountedLayer {
  enum class Kind : std::uint8_t {
    Linear,
    Conv,           ///< of any dimension
    ConvTranspose,  ///< of any dimension
    BatchNorm,      ///< in inference: its running statistics
    Relu,
    LeakyRelu,
    Dropout,
    Gdn,         ///< x / sqrt(beta + gamma x^2) over the channels of a pixel
    InverseGdn,  ///< x * that root
  };
  Kind kind = Kind::Linear;
  std::uint64_t in_channels = 0, in_positions = 1;  ///< positions: pixels or voxels, 1 if dense
  std::uint64_t out_channels = 0, out_positions = 1;
  std::uint64_t kernel = 1;      ///< weights of a kernel for one pair of channels
  std::uint64_t dimensions = 0;  ///< of its images: 0 (dense), 2, 3
  bool bias = true;
  /// An activation that the model calls as a function: counters that hook modules do not see it. So call Baler's AE and
  /// CFD_dense_AE their LeakyReLU.
  bool functional = false;
};

struct Count {
  std::uint64_t macs = 0;        ///< multiply-accumulates of products and convolutions, under every convention the same
  std::uint64_t total = 0;       ///< what the convention's counter says, in its unit
  std::uint64_t parameters = 0;  ///< as the convention's counter sees them
};

/// The forward pass of `rows` rows.
[[nodiscard]] Count count_layer(const CountedLayer& layer, std::uint64_t rows, Convention convention) noexcept;
[[nodiscard]] Count count_forward(const std::vector<CountedLayer>& layers, std::uint64_t rows, Convention convention);

/// Forward and backward, without the loss and the optimiser. The gradient of the first layer's input is not computed.
/// Only Haywatt's and PyTorch's counters know it; others count as forward.
[[nodiscard]] Count count_training(const std::vector<CountedLayer>& layers, std::uint64_t rows, Convention convention);

/// The layers of an imported project. BatchNorm was folded into an affine step there, whose parameters count as its
/// two. Dropout, which does nothing in inference, is gone.
[[nodiscard]] std::vector<CountedLayer> counted_layers(const baler::ProjectModel& model);

/// Encoder and decoder of an imported project, forward.
[[nodiscard]] Count count_model(const baler::ProjectModel& model, std::uint64_t rows, Convention convention);

}  // namespace haywatt::trace
