/// The forms of a profile of stacks for other tools (docs/profile.md). Pure, thread-safe. Times are seconds of
/// StackProfile::clock.
#pragma once
#include <string>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

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
