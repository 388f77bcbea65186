/// The tables of share/energy/ that tools/fit-energy-model writes, as they are compiled in.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::meter {

/// Lines of a CSV without its head; no field of these tables has a comma in it.
[[nodiscard]] std::vector<std::vector<std::string>> table_rows(std::string_view csv);

/// model_coefficients.csv: "T2c", "idle", "ln_total_cores". Nothing if there is none.
[[nodiscard]] std::optional<double> coefficient(const std::string& tier, const std::string& part,
                                                const std::string& term);

/// How uncertain a tier is: standard uncertainties of logarithms at the loads 0, 10, … 100 % (model_intervals.csv).
struct Spread {
  double u_idle = 0.0;
  std::array<double, 11> u_dynamic{};    ///< of P(u) - idle; the first is that of 10 %
  std::array<double, 11> correlation{};  ///< of idle and P(u) - idle
  double full_on_idle = 0.0;             ///< by how much ln full follows a known ln idle
};
/// `key`: a tier, or "T1-line". Error(System) if the table lacks it.
[[nodiscard]] const Spread& spread_of(const std::string& key, bool idle_known);

/// Standard uncertainty of ln(P(u) - idle) between programs: how far other work is from the benchmark's curve.
[[nodiscard]] double workload_u();

/// Linear between the eleven loads; u is held to [0, 1].
[[nodiscard]] double at_load(const std::array<double, 11>& values, double u);

}  // namespace haywatt::meter
