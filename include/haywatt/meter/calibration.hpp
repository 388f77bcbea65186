/// What a wall meter said of this machine at known loads, kept for the estimate (docs/energy.md).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/machine.hpp"

namespace haywatt::meter {

struct CalibrationPoint {
  double load = 0.0;   ///< busy share of all CPUs, 0..1
  double watts = 0.0;  ///< of the whole machine at the wall
};

struct Calibration {
  std::string machine;   ///< Machine::id
  std::string cpu_name;  ///< for a person
  std::string created;   ///< ISO 8601, UTC
  std::string source;    ///< "typed", "asked", or the name of the smart plug's file
  std::vector<CalibrationPoint> points;
};

/// HAYWATT_CALIBRATION if set, else $XDG_CONFIG_HOME/haywatt/calibration-<id>.json, ~/.config where that is not set.
/// Error(System) if there is no home either.
[[nodiscard]] std::string calibration_path(const Machine& machine);

/// Error(BadInput) naming what is wrong: fewer than two loads, loads that span less than 0.3, power that is not
/// positive, not finite or does not rise with load.
void check_calibration(const Calibration& calibration);

/// Replaces the file, and makes its folder. Error as check_calibration, or Error(System).
void save_calibration(const std::string& path, const Calibration& calibration);
/// Nothing if there is no file or it is another machine's. Error(BadInput) if it is damaged.
[[nodiscard]] std::optional<Calibration> load_calibration(const std::string& path, const Machine& machine);

/// The curve through the points, at one load: W, and low and high for 95 % of what this machine draws at that load.
struct CalibratedLoad {
  double watts = 0.0, low = 0.0, high = 0.0;
};
[[nodiscard]] CalibratedLoad calibrated_at(const Calibration& calibration, const Machine& machine, double load);

/// A reading of a smart plug.
struct PowerReading {
  double unix_s = 0.0, watts = 0.0;
};
/// Names or numbers (from 1) of columns; empty: found by their names.
struct PowerColumns {
  std::string time, watts;
};
/// A smart plug's export: comma, semicolon or tab; decimal point or comma; Unix seconds or milliseconds, or ISO 8601
/// (without a zone: local time). Lines without a reading are skipped. Sorted by time. Error(BadInput) naming file and
/// line.
[[nodiscard]] std::vector<PowerReading> read_power_csv(const std::string& path, const PowerColumns& columns);

/// A stretch of time in which the machine's load was known.
struct LoadStep {
  double start_unix_s = 0.0, end_unix_s = 0.0;
  double load = 0.0;
};
/// Loads the machine for `seconds` at about `load` with threads that spin; `load` of the result is what /proc/stat saw.
[[nodiscard]] LoadStep hold_load(double load, double seconds);
void write_load_log(const std::string& path, const std::vector<LoadStep>& steps);
[[nodiscard]] std::vector<LoadStep> read_load_log(const std::string& path);

/// Mean power of each step, its first `settle_s` left out (plugs average and lag). Steps with fewer than two readings
/// give no point. Error(BadInput) if the two do not overlap in time.
[[nodiscard]] std::vector<CalibrationPoint> match_power(const std::vector<LoadStep>& steps,
                                                        const std::vector<PowerReading>& readings, double settle_s);

}  // namespace haywatt::meter
