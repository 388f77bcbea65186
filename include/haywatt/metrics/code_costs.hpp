/// What a profile of stacks says of functions and modules. Pure, thread-safe. Times are seconds of StackProfile::clock.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::metrics {

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

/// Scales times so that they add up to no more than what was used. Sampling by ptrace cannot tell a thread that runs
/// from one that waits for a CPU, and takes processes too short to be seen twice for as long as its period.
void fit_to(StackProfile& stacks, double used_s);

}  // namespace haywatt::metrics
