/// The probe of Python, embedded at build time (cmake/EmbedFiles.cmake).
#pragma once
#include <string_view>

namespace haywatt::experiment::bottleneck_files {

extern const std::string_view sitecustomize;  ///< share/probe/sitecustomize.py

}  // namespace haywatt::experiment::bottleneck_files
