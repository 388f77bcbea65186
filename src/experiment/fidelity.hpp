/// What a method did to the values of each column.
#pragma once
#include <string>

#include "haywatt/codec/pipeline.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::experiment {

inline constexpr std::size_t histogram_bins = 64;

/// Decodes `file` and compares every value with `original`; fills run.fidelity, histograms if asked for, and makes the
/// run a failed one if a value lies outside its bound. `outcome` is what compressing told: bounds and statistics.
void compare_with_original(const std::string& file, const TableReader& original, const CompressOutcome& outcome,
                           int threads, bool histograms, RunRecord& run);

/// The same for a table that something else decoded: `decoded` has the columns of `original`, `bounds` one for each.
void compare_tables(const TableReader& original, const TableReader& decoded, const std::vector<ResolvedBound>& bounds,
                    const std::vector<ColumnStatistics>& statistics, bool histograms, RunRecord& run);

/// Counts `values` into the equal bins of `h`; high belongs to the last bin. A range of no width counts its one value
/// into the middle bin.
void count_into(Histogram& h, const std::vector<double>& values);

/// "lossless", "abs 0.0123", "rel 0.001", "bits 10", "none".
[[nodiscard]] std::string describe_bound(const ResolvedBound& bound);

}  // namespace haywatt::experiment
