/// A record in the forms that other tools read. What each form holds and leaves out: docs/exports.md. All functions are
/// pure and thread-safe; what is not known is left out (or an empty cell), never 0. In the JSON forms bytes that are
/// not UTF-8 become U+FFFD.
#pragma once
#include <string>

#include "haywatt/metrics/constants.hpp"
#include "haywatt/metrics/grid.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::trace {

/// The summary that prmon 3.3 (github.com/HSF/prmon) writes as prmon.json: "Max", "Avg", "HW", "prmon" with its keys,
/// whole numbers and units (s, kB = 1024 B, B), and a section "haywatt" with the energy and the keys left out.
[[nodiscard]] std::string to_prmon_json(const ProgramRecord& record);

/// The time series that prmon writes as prmon.txt: a heading and one line a second at most, separated by tabs.
[[nodiscard]] std::string to_prmon_text(const ProgramRecord& record);

struct CodeCarbonOptions {
  metrics::Grid grid = metrics::world_grid();
  metrics::Constant pue = metrics::given_pue(1.0);  ///< CodeCarbon's own default
};

/// A heading and one row of CodeCarbon 3.3's emissions.csv: kWh (times the PUE, as there), kg CO2e, W, s. The energy is
/// the attributed one of the basis that a report would choose (haywatt/metrics/summary.hpp).
[[nodiscard]] std::string to_codecarbon_csv(const ProgramRecord& record, const CodeCarbonOptions& options = {});

/// Trace Event Format (JSON object form) for ui.perfetto.dev and chrome://tracing: times in microseconds since the
/// start of the run; phases as slices a thread, processes as slices, counters of power, CPUs, memory and transfers.
[[nodiscard]] std::string to_chrome_trace(const ProgramRecord& record);

}  // namespace haywatt::trace
