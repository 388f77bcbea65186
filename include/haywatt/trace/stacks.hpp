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

/// Scales times so that they add up to no more than what was used. Sampling by ptrace cannot tell a thread that runs
/// from one that waits for a CPU, and takes processes too short to be seen twice for as long as its period.
void fit_to(StackProfile& stacks, double used_s);

/// One line a stack, "main;f;g 12", as Brendan Gregg's flamegraph.pl and speedscope read it. The number is in units of
/// the period, at least 1.
[[nodiscard]] std::string to_folded(const StackProfile& stacks);

/// One sampled profile in speedscope's file format (www.speedscope.app/file-format-schema.json), weights in seconds.
[[nodiscard]] std::string to_speedscope(const StackProfile& stacks, const std::string& name);

/// Trace Event Format (JSON object form) for ui.perfetto.dev and chrome://tracing: the call tree as nested slices as
/// long as their time, the largest first. What is side by side there is by size and not by time.
[[nodiscard]] std::string stacks_to_chrome_trace(const StackProfile& stacks, const std::string& name);

/// A heading and one row a function: function, module, self and total seconds, their shares, samples. RFC 4180.
[[nodiscard]] std::string functions_to_csv(const StackProfile& stacks);

}  // namespace haywatt::trace
