/// The commands of an external method, and what may stand in each.
#pragma once
#include "experiment/command_template.hpp"
#include "haywatt/experiment/external.hpp"

namespace haywatt::experiment {

enum class Step : std::uint8_t { Train, Compress, Decompress, Version };

/// Its key in a plan: "train", "compress", "decompress", "version".
[[nodiscard]] const char* key_of(Step step);
/// The phase of a run that it makes: "train", "encode", "decode".
[[nodiscard]] const char* phase_of(Step step);
/// Error(Usage) if it cannot be used.
[[nodiscard]] CommandTemplate command_template(const ExternalMethod& method, Step step);

}  // namespace haywatt::experiment
