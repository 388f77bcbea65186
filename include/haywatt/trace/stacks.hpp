/// What a profile of stacks says of functions and modules, and its forms for other tools (docs/profile.md). Pure,
/// thread-safe. Times are seconds of StackProfile::clock.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

/// What one function (or module) took: itself, and with all that it called. Recursion counts once.
struct CodeCost {
  std::string function, module;  ///< function empty: the whole module
  double self_s = 0.0, total_s = 0.0;
  std::uint64_t samples = 0;  ///< of self
};

/// By self_s, then total_s, descending. Without the frames that name processes.
[[nodiscard]] std::vector<CodeCost> function_costs(const StackProfile& stacks);
[[nodiscard]] std::vector<CodeCost> module_costs(const StackProfile& stacks);

/// All that was sampled, seconds.
[[nodiscard]] double sampled_s(const StackProfile& stacks);

/// One line a stack, "main;f;g 12", as Brendan Gregg's flamegraph.pl and speedscope read it. The number is in units of
/// the period, at least 1.
[[nodiscard]] std::string to_folded(const StackProfile& stacks);

}  // namespace haywatt::trace
