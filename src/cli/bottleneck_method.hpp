/// METHOD DATA of haywatt bottleneck as a command with knobs: `haywatt compress` of the table, in the sizes and float
/// types that are to be tried.
#pragma once
#include <string>
#include <vector>

#include "haywatt/experiment/bottleneck.hpp"

namespace haywatt::cli {

struct MethodKnobs {
  std::vector<std::string> bounds;      ///< as given to compress
  std::vector<experiment::Knob> knobs;  ///< of threads, batch, rows, dtype
};

/// Sets the command of `options`, what has to be made before it can run, and its knobs with their values as the command
/// takes them. Error(Usage) for a knob that the method or the table does not have.
void search_method(const std::string& method, const std::string& data, const MethodKnobs& given,
                   experiment::BottleneckOptions& options);

}  // namespace haywatt::cli
