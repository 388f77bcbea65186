/// Layouts: how the layers and rows of Baler's autoencoder are spread over ranks, as lists of steps.
///
/// The same lists are executed under MPI (src/distributed/mpi) and walked by the cost model (cost_model.hpp), so that
/// what is predicted is what is run. Pure functions, thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::distributed {

/// A dense layer y = x W^T + b, then LeakyReLU(0.01) unless it makes the latent or the output.
struct LayerShape {
  std::uint64_t inputs = 0, outputs = 0;
  bool leaky = false;
  [[nodiscard]] std::uint64_t macs_per_row() const { return inputs * outputs; }
  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

/// Baler's AE (columns-200-100-50-latent-50-100-200-columns) with its hidden layers `widen` times as wide. Error(Usage)
/// for a size of 0 or beyond 2^20.
[[nodiscard]] std::vector<LayerShape> wide_autoencoder(std::uint64_t columns, std::uint64_t latent,
                                                       std::uint64_t widen);
[[nodiscard]] std::uint64_t macs_per_row(const std::vector<LayerShape>& layers);
/// Weights and biases as float32.
[[nodiscard]] std::uint64_t weight_bytes(const std::vector<LayerShape>& layers);

/// The rows lie on rank 0 and the result is wanted there, except with Shards, where every rank has its own rows.
enum class Layout {
  Single,           ///< rank 0 alone
  Data,             ///< rows split over ranks, sent out and gathered
  Shards,           ///< rows already where they are worked on; rank 0 only learns that all are done
  Pipeline,         ///< layers split over ranks, micro-batches; every send waits until its buffer is free
  PipelineOverlap,  ///< the same with sends that do not wait and receives posted before the first layer
  Tensor,           ///< layers split in pairs, the first by outputs, the second by inputs, one all-reduce a pair
};
[[nodiscard]] std::string_view name(Layout layout);
/// Error(Usage) naming the layouts there are.
[[nodiscard]] Layout layout_named(std::string_view name);
[[nodiscard]] const std::vector<Layout>& all_layouts();
[[nodiscard]] bool is_model_parallel(Layout layout);

struct Range {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
  friend auto operator<=>(const Range&, const Range&) = default;
};
/// Part `i` of `parts` nearly equal parts of 0..count; the first ones are larger by one.
[[nodiscard]] Range part_of(std::uint64_t count, std::uint64_t parts, std::uint64_t i);

enum class StepKind {
  Layer,      ///< layer `index` for `rows`; with all inputs also bias and LeakyReLU
  Finish,     ///< bias and LeakyReLU of layer `index` after its partial sums were added up
  AllReduce,  ///< activation `index` summed over all ranks
  Send,       ///< rows of activation `index` to `peer`; no rows: a token
  Receive,
};

/// Activation 0 is the input, activation l the output of layer l-1.
struct Step {
  StepKind kind = StepKind::Layer;
  std::uint32_t index = 0;  ///< a layer (Layer, Finish) or an activation
  Range rows;
  Range inputs, outputs;  ///< Layer: the part of the weights used; Finish: outputs
  int peer = -1;
  bool waits = true;  ///< Send: until the buffer is free; Receive: false means posted before the first step
};

/// All that one rank does, in order.
using Program = std::vector<Step>;

/// Contiguous stages, one a rank, whose largest number of multiply-accumulates is least; stages may be empty when there
/// are more ranks than layers.
[[nodiscard]] std::vector<Range> balanced_stages(const std::vector<LayerShape>& layers, int ranks);

/// One program a rank. `micro_batches` is for the pipelines (at most one a row). Error(Usage) for fewer than one rank,
/// row or micro-batch, and for tensor layouts with an odd number of layers.
[[nodiscard]] std::vector<Program> schedule(Layout layout, const std::vector<LayerShape>& layers, int ranks,
                                            std::uint64_t rows, std::uint64_t micro_batches);

/// Values a row of activation `index` that the rank of this program holds.
[[nodiscard]] std::uint64_t activation_width(const Program& program, const std::vector<LayerShape>& layers,
                                             std::uint32_t index);
/// Bytes (float32) of the weights and of the activations that the rank of this program holds.
struct RankMemory {
  std::uint64_t weights_B = 0, activations_B = 0;
};
[[nodiscard]] RankMemory memory_of(const Program& program, const std::vector<LayerShape>& layers);
/// Bytes that a step moves from or to this rank.
[[nodiscard]] std::uint64_t message_bytes(const Step& step, const std::vector<LayerShape>& layers);

}  // namespace haywatt::distributed
