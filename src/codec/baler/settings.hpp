/// The options of `--method baler:…`.
#pragma once
#include <optional>
#include <vector>

#include "haywatt/codec/baler/trainer.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt::baler {

struct Settings {
  TrainConfig train;
  int train_threads = 0;        ///< 0: as many as a batch keeps busy
  bool energy_stop = false;     ///< stop=energy; the price is in train.energy_stop
  std::optional<bool> float32;  ///< unset: float64, for fields float32, as in Baler
};

[[nodiscard]] std::vector<OptionInfo> describe_options();
/// Error(Usage) for a bad value; unknown options are left to check_options().
[[nodiscard]] Settings parse_settings(const MethodSpec& spec);

}  // namespace haywatt::baler
