/// The runs of a study, aggregated: one row for each (method, bound), and for each table and number of threads where
/// the study varies them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/record.hpp"

namespace haywatt::metrics {

/// Which of a study's energy figures its summary uses. Figures of other sensors or boundaries are never mixed in.
struct EnergyBasis {
  std::string sensor, boundary, tier;
  bool known = false;      ///< false: no run has a known energy figure
  std::string note;        ///< when unknown: why, as the records say
  bool estimated = false;  ///< sensor is "estimate"
  friend bool operator==(const EnergyBasis&, const EnergyBasis&) = default;
};

/// The sensor and boundary known in most successful runs; of equals, measured before estimated, then the wider boundary
/// (wall, node, psys, package, board, dram).
[[nodiscard]] EnergyBasis choose_energy_basis(const StudyRecord& study);
/// Likewise of one run, whether it succeeded or not.
[[nodiscard]] EnergyBasis choose_energy_basis(const RunRecord& run);

/// A quantity and the same as a ratio to the baseline row, computed jointly. Nothing: unknown.
struct Metric {
  std::optional<Figure> value;
  std::optional<Figure> to_baseline;
};

struct SummaryRow {
  std::string method;  ///< "zstd:level=19"; with " [2 threads]" where the study varies them
  std::string method_version;
  std::string bound;      ///< "range:1e-3"; with " [u.npz]" where the study has several tables
  std::string data_xxh3;  ///< only rows of the baseline's table are compared with it
  int threads = 1;
  std::string label() const { return method + " · " + bound; }
  int ok_runs = 0, failed_runs = 0;
  std::string reason;                  ///< of the first failure
  std::vector<const RunRecord*> runs;  ///< successful, in order of repeat; point into the study
  const RunRecord* typical = nullptr;  ///< the one with the median wall time
  std::uint64_t rows = 0, raw_B = 0, compressed_B = 0, model_B = 0;
  std::optional<double> error_over_bound;  ///< see error_over_bound(); nothing for `none` or without fidelity
  std::optional<double> error_over_range;  ///< max over columns of max |error| / (max - min)
  std::uint64_t violations = 0;

  Metric bytes_per_row;                   ///< B/row, exact
  Metric factor;                          ///< raw bytes / compressed bytes, exact
  Metric in_speed;                        ///< B/s: raw bytes / wall seconds of prepare + train + encode
  Metric out_speed;                       ///< B/s: raw bytes / wall seconds of decode
  Metric peak_memory;                     ///< B: peak resident set
  Metric added_memory;                    ///< B: peak minus the resident set at the start
  Metric cpu;                             ///< CPU seconds per GB of raw data, whole run
  Metric marginal;                        ///< J/GB of raw data, whole run (compress, read back, decode, verify)
  Metric attributed;                      ///< likewise, with its part of idle power
  std::optional<Figure> compress_energy;  ///< J/GB, attributed, all phases but read-back and decode
  std::optional<Figure> decode_energy;    ///< J/GB, attributed, read-back and decode

  [[nodiscard]] bool ok() const { return ok_runs > 0; }
  /// Whether it gave the table back: a program that only compresses competes with none that does.
  [[nodiscard]] bool decoded() const {
    return ok() && (typical == nullptr || !typical->fidelity.empty() || typical->phase("decode") != nullptr);
  }
};

struct Summary {
  EnergyBasis basis;
  std::vector<SummaryRow> rows;         ///< by bound (lossless first, none last), then by size; failed last in a bound
  std::optional<std::size_t> baseline;  ///< index into rows: zstd lossless, else the first lossless, else the first row
  [[nodiscard]] const SummaryRow* baseline_row() const { return baseline ? &rows[*baseline] : nullptr; }
  /// The bounds in the order of rows, each once.
  [[nodiscard]] std::vector<std::string> bounds() const;
};

/// A bound without the table's name that summarise() may have put behind it: "range:1e-3".
[[nodiscard]] std::string plain_bound(const std::string& bound);

/// Points into `study`, which must outlive the result.
[[nodiscard]] Summary summarise(const StudyRecord& study);

/// Wall, CPU seconds of the phases whose name up to the first '/' is in `names`.
[[nodiscard]] double phase_wall_s(const RunRecord& run, const std::vector<std::string>& names);

/// max |error| over what the bound allows; above 1 the bound is broken. `abs`: max_abs_error/epsilon. `rel`:
/// max_rel_error/epsilon. `bits N`: max_rel_error/2^-(N+1), the largest relative error half a unit of the N-th explicit
/// mantissa bit can be. `lossless`: 0, or infinity if a value differs. `none`: nothing.
[[nodiscard]] std::optional<double> error_over_bound(const ColumnFidelity& column);

/// The energy of `run` by `rule` on `basis` (share "process-tree" before any other but "machine"); nothing: unknown.
[[nodiscard]] std::optional<Figure> run_energy(const RunRecord& run, const EnergyBasis& basis, const std::string& rule);
/// Likewise of one phase, in joules.
[[nodiscard]] std::optional<double> phase_energy(const PhaseRecord& phase, const EnergyBasis& basis,
                                                 const std::string& rule);

/// One figure from repeats of a figure: their median with its bootstrap interval (type A), and the type B components of
/// the repeat nearest the median, as relative uncertainties. Interval log-normal over all components.
[[nodiscard]] Figure median_of(const std::vector<Figure>& repeats, const std::string& unit, const std::string& run_id);

}  // namespace haywatt::metrics
