/// Python's Baler imitated with libtorch: the same numbers, made as Python makes them or better, one habit at a time,
/// so that the cost of each can be measured where Python is missing or hides it. The only implementation lives in the
/// libtorch plug-in.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "haywatt/codec/baler/trainer.hpp"

namespace haywatt::baler {

enum class NetworkType : std::uint8_t {
  Float64,
  Float32,
  BFloat16,  ///< products and activations in bfloat16; trained weights stay float32
  Int8,      ///< weights quantised once, activations batch by batch (dynamic quantisation); not for training
};

/// Each default is the better way. Only `type` and `batch_size` (of training) change results, and the order of sums
/// with `threads`.
struct Habits {
  bool collate_samples = false;   ///< index row by row and stack, as a DataLoader; else slices
  bool grow = false;              ///< concatenate the result anew after each batch; else one output made once
  bool normalise_values = false;  ///< column by column, an object for every value; else one vectorised pass
  bool minmax_rows = false;       ///< an object for every row, restacked, then column by column; else one reduction
  bool loss_items = false;        ///< the loss is fetched after each batch; else added up, fetched once an epoch
  bool plain_adam = false;        ///< torch::optim::Adam, tensor by tensor; else one loop over all weights
  bool autograd = false;          ///< gradients by autograd, and its graph recorded in inference; else written out, and
                                  ///< inference mode
  bool frozen = false;            ///< (de)compress: TorchScript, frozen and optimised; else layer by layer
  bool tensor_loops = false;      ///< train without autograd: its loops by libtorch's operators; else our own, fused. A
                                  ///< GPU has only the former
  NetworkType type = NetworkType::Float64;
  std::uint64_t batch_size = 512;
  int threads = 1;             ///< of libtorch and its BLAS
  std::string device = "cpu";  ///< "cpu", "cuda" or "cuda:N"; Error(Unavailable) where there is none
};

/// Rows of a table as numpy loads them: row-major, float32 or float64. Exactly one of f4 and f8 is set.
struct ArrayView {
  const float* f4 = nullptr;
  const double* f8 = nullptr;
  std::uint64_t rows = 0, columns = 0;
};

/// Exact in the array's type. A constant column has range 0 and is divided by 1.
struct Ranges {
  std::vector<double> minimum, range;
};

/// Row-major; float64 if the network's type is, else float32: the other is empty.
struct NetworkOutput {
  std::vector<float> f4;
  std::vector<double> f8;
  std::uint64_t rows = 0, columns = 0;
};

/// Told of the begin (true) and end of each phase: "prepare/minmax", "prepare/normalise", "train", "encode", "decode",
/// "renormalise", on a GPU also "copy/to-device", "copy/to-host". A GPU has done a phase's work when it ends. May be
/// empty.
using PhaseHook = std::function<void(const char* phase, bool begin)>;

class LibtorchBaler {
 public:
  virtual ~LibtorchBaler() = default;
  /// Finds the ranges of the columns, normalises and trains. `config.threads`, `batch_size` and `float32` are taken
  /// from the habits. Error(Usage) for settings that do not go together, Error(System) if libtorch fails.
  [[nodiscard]] virtual TrainResult train(const ArrayView& table, const TrainConfig& config, const Habits& habits,
                                          Ranges& ranges, const PhaseHook& phase,
                                          const std::function<void(int, int)>& progress) const = 0;
  /// The latents of the rows; as Baler, ranges are those of this table, not of the training.
  [[nodiscard]] virtual NetworkOutput compress(const ArrayView& table, const Model& model, const Habits& habits,
                                               Ranges& ranges, const PhaseHook& phase) const = 0;
  /// Decodes latents and undoes the normalisation.
  [[nodiscard]] virtual NetworkOutput decompress(const ArrayView& latents, const Model& model, const Ranges& ranges,
                                                 const Habits& habits, const PhaseHook& phase) const = 0;
  /// Runs one layer forward on `rows` random rows, over and over for about `seconds`, LeakyReLU included if
  /// `activated`; returns how often. For measuring a layer where its share of a whole network is too short to see.
  [[nodiscard]] virtual std::uint64_t repeat_layer(const Linear& layer, bool activated, std::uint64_t rows,
                                                   const Habits& habits, double seconds) const = 0;
  [[nodiscard]] virtual std::string library() const = 0;  ///< "libtorch 1.13.1, OpenBLAS 0.3.21"
};

/// Loads the plug-in once per process; nullptr if it is not there, with the reason in `why` (load_trainer's rules).
[[nodiscard]] const LibtorchBaler* load_libtorch_baler(std::string& why);

/// Type of the plug-in's symbol `haywatt_libtorch_baler_v2`; the object lives as long as the process.
using LibtorchBalerEntry = const LibtorchBaler* (*)();

}  // namespace haywatt::baler
