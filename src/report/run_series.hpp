/// What happened during one run, reduced to what a chart shows. Pure and thread-safe.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "haywatt/record/record.hpp"

namespace haywatt::report {

/// Four significant digits are more than a screen shows.
[[nodiscard]] double coarse(double v);

/// "train" of "train/epoch".
[[nodiscard]] std::string top_level(const std::string& phase);

/// Which phase is active most in each slice of the run (1/250 of it), neighbours merged: a list of [index in `names`,
/// start, end] in seconds.
[[nodiscard]] nlohmann::json phase_shades(const RunRecord& run, const std::vector<std::string>& names);

/// Samples thinned to at most `points`, all of one length. Of memory, processes and threads the peak is kept; cores,
/// read and written (B/s) are means since the point before, NaN where no time passed.
struct SampleSeries {
  std::vector<double> t, memory, cores, read, written, processes, threads;
  bool counts_processes = false;  ///< false: the record does not count them
};
[[nodiscard]] SampleSeries sample_series(const std::vector<SampleRecord>& samples, std::size_t points);

/// {name, t, W}: means over neighbouring stretches where there are more than `points`; one time more than watts.
[[nodiscard]] nlohmann::json power_series(const PowerSeries& power, std::size_t points);

}  // namespace haywatt::report
