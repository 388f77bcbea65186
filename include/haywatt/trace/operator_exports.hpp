/// Operators of a profile in the forms that other tools read (docs/profile.md). Pure, thread-safe.
#pragma once
#include <string>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

/// A heading and one row an operator: phase, layer, name, dtype, calls, seconds, counts, joules (attributed, of the
/// basis that a report would choose). What is not known is an empty cell. RFC 4180.
[[nodiscard]] std::string operators_to_csv(const ProfileRecord& record);

/// Trace Event Format (JSON object form) for ui.perfetto.dev and chrome://tracing: phases and the calls of the record's
/// timeline as slices a thread, times in microseconds since the start of the run.
[[nodiscard]] std::string operators_to_chrome_trace(const ProfileRecord& record);

}  // namespace haywatt::trace
