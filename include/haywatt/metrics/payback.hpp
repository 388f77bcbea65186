/// When the energy spent on compressing has been saved in storage.
#pragma once
#include <optional>
#include <string>

#include "haywatt/metrics/constants.hpp"
#include "haywatt/metrics/summary.hpp"

namespace haywatt::metrics {

/// What is assumed about the life of the data. Everything is per GB (1e9 B) of raw data.
struct PaybackAssumptions {
  Constant storage = storage_power();
  Constant replicas = storage_replicas();
  Constant pue = power_usage_effectiveness();
  Constant network = network_energy();
  Constant embodied = storage_embodied();
  Constant grid = grid_intensity();
  double fetches_per_year = 0.0;  ///< each moves the file over the network once and decodes it once
};

enum class PaybackKind {
  Never,   ///< nothing is saved, or what decoding costs is more than what is saved
  AtOnce,  ///< nothing is spent that the alternative would not spend, and something is saved
  After,   ///< after `years`
  Unknown  ///< an energy is unknown
};

struct Payback {
  PaybackKind kind = PaybackKind::Unknown;
  Figure years;             ///< unit "year", when After; `high` is infinite if perhaps never
  std::string explanation;  ///< one clause: why never, or why unknown
};

/// years = spent / saved per year, jointly:
///   spent = compress_energy * PUE
///   saved = (1 - c) * (storage * replicas * PUE * 8766 h + network * fetches) - decode_energy * PUE * fetches
/// with c = compressed/raw, against keeping the raw values. PUE is the same building on both sides and cancels.
[[nodiscard]] Payback payback_against_raw(const SummaryRow& row, const PaybackAssumptions& assumptions = {});

/// The same with emissions: spent = compress_energy * PUE * I; saved adds (1 - c) * embodied * replicas.
[[nodiscard]] Payback carbon_payback_against_raw(const SummaryRow& row, const PaybackAssumptions& assumptions = {});

/// Against keeping what `baseline` makes: spent and saved are the differences between the two rows.
[[nodiscard]] Payback payback_against(const SummaryRow& row, const SummaryRow& baseline,
                                      const PaybackAssumptions& assumptions = {});

}  // namespace haywatt::metrics
