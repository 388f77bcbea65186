/// The files of the ladder of Baler, embedded at build time (cmake/EmbedFiles.cmake), so that the program is enough.
#pragma once
#include <string_view>

namespace haywatt::experiment::ladder_files {

extern const std::string_view baler_toml;     ///< share/ladder/baler.toml
extern const std::string_view libtorch_toml;  ///< share/ladder/libtorch.toml
extern const std::string_view baler_patches;  ///< share/ladder/baler_patches.py
extern const std::string_view baler_python;   ///< tools/baler-python
extern const std::string_view haywatt_phase;  ///< share/phases/haywatt_phase.py

}  // namespace haywatt::experiment::ladder_files
