/// Training of Baler's dense autoencoder, as an interface: the only implementation lives in the libtorch plug-in
/// (libhaywatt_torch.so), loaded when needed; nobody else sees libtorch.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "haywatt/codec/baler/model.hpp"

namespace haywatt::baler {

/// What keeping a byte for ten years in two copies costs: 0.65 Wh/(TB h) (metrics/constants.hpp, storage_power and
/// storage_replicas). The building's overhead is the same for training and cancels.
inline constexpr double default_joule_per_byte = 0.65 * 3600.0 / 1e12 * 8766.0 * 10.0 * 2.0;

/// Stopping when the next epoch is worth less than its joules (docs/baler.md).
struct EnergyStop {
  std::function<double()> joules;                  ///< of this process so far; not set: no such stop
  double joule_per_byte = default_joule_per_byte;  ///< what a byte less is worth
};

/// Baler's settings (docs/baler.md names each after its config field). Defaults are those of `newProject`.
struct TrainConfig {
  double compression_ratio = 2.0;
  int epochs = 5;
  double lr = 0.001;
  int batch_size = 512;
  double test_size = 0.0;
  bool early_stopping = true;
  int early_stopping_patience = 100;
  double min_delta = 0.0;
  bool lr_scheduler = true;
  int lr_scheduler_patience = 50;
  bool float32 = false;  ///< AE is float64 in Baler; float32 is PR 386's AE_float32
  std::uint64_t seed = 0;
  int threads = 1;
  std::string device = "cpu";  ///< "cpu", "cuda" or "cuda:N"; Error(Unavailable) where there is none
  EnergyStop energy_stop;
  const Model* initial = nullptr;  ///< weights to start from; nullptr: torch's default initialisation from `seed`
};

enum class StopReason : std::uint8_t { Epochs, EarlyStopping, Energy };

struct TrainResult {
  Model model;
  std::vector<double> train_loss;       ///< one per epoch run, as in loss_data.npy row 0
  std::vector<double> validation_loss;  ///< row 1
  StopReason stopped_by = StopReason::Epochs;
  double epoch_J = 0.0;         ///< joules of an epoch; with an energy stop only, as the next three
  double next_gain_B = 0.0;     ///< bytes that one more epoch would save, as predicted after the last
  double next_gain_J = 0.0;     ///< their worth
  std::string library;          ///< "libtorch 1.13.1, OpenBLAS 0.3.21, 2 threads"
  bool reference_blas = false;  ///< Debian's reference BLAS is in use: about four times slower
};

class Trainer {
 public:
  virtual ~Trainer() = default;
  /// `rows`: row-major (count x columns), already normalised, float64. Reports progress as (epoch, epochs) after each
  /// epoch. The caller announces the span "train". Error(Usage) for absurd settings, Error(System) when memory runs out
  /// or libtorch fails.
  [[nodiscard]] virtual TrainResult train(const std::vector<double>& rows, std::uint64_t columns,
                                          const TrainConfig& config,
                                          const std::function<void(int, int)>& progress) const = 0;
  [[nodiscard]] virtual std::string library() const = 0;
};

/// The plug-in's file if it is there, without loading it (libtorch takes a third of a second); else empty, with the
/// reason in `why`.
[[nodiscard]] std::string find_trainer_plugin(std::string& why);

/// Loads the plug-in once per process; nullptr if it is not there, with the reason in `why`. Looked for in
/// HAYWATT_PLUGIN_DIR, beside the executable, and in ../lib/haywatt.
[[nodiscard]] const Trainer* load_trainer(std::string& why);

/// The plug-in's only symbol, `haywatt_trainer_v2`, is of this type; the object lives as long as the process.
using TrainerEntry = const Trainer* (*)();

}  // namespace haywatt::baler
