#include "haywatt/metrics/payback.hpp"

#include <cmath>
#include <limits>

#include "haywatt/metrics/carbon.hpp"

namespace haywatt::metrics {
namespace {

constexpr double seconds_per_hour = 3600.0;

Payback never(std::string why) {
  Payback p;
  p.kind = PaybackKind::Never;
  p.explanation = std::move(why);
  return p;
}

Payback unknown(std::string why) {
  Payback p;
  p.explanation = std::move(why);
  return p;
}

double saved_share(const SummaryRow& row) {
  return 1.0 - static_cast<double>(row.compressed_B) / static_cast<double>(row.raw_B);
}

/// J/(GB year) of keeping the raw values, at the meter of the building.
Figure keeping(const PaybackAssumptions& a) {
  const Figure drives =
      a.storage.figure(seconds_per_hour / 1000.0 * hours_per_year, "J/(GB year)");  // Wh/(TB h) -> J/(GB year)
  return product(product(drives, a.replicas.figure(1.0, "1"), "J/(GB year)"), a.pue.figure(1.0, "1"), "J/(GB year)");
}

/// J/(GB year) saved in storage and network if a share `share` of the bytes is not kept and not moved.
Figure saved_bytes(double share, const PaybackAssumptions& a) {
  Figure kept = scaled(keeping(a), share, "J/(GB year)");
  if (a.fetches_per_year <= 0.0) return kept;
  return sum(kept, a.network.figure(share * a.fetches_per_year * joules_per_kWh, "J/(GB year)"));
}

Figure at_the_meter(const Figure& joules_per_GB, double times, const PaybackAssumptions& a, const std::string& unit) {
  return scaled(product(joules_per_GB, a.pue.figure(1.0, "1"), "J/GB"), times, unit);
}

/// spent / saved when both are known; `saved` may reach below zero.
Payback divide(const Figure& spent, const Figure& saved, const char* why_never) {
  if (!(saved.value > 0.0)) return never(why_never);
  Payback p;
  if (!(spent.value > 0.0)) {
    p.kind = PaybackKind::AtOnce;
    p.years = Figure::exact(0.0, "year");
    return p;
  }
  p.kind = PaybackKind::After;
  p.years = ratio(spent, saved);
  p.years.unit = "year";
  if (spent.low <= 0.0) {  // nor here: perhaps nothing more is spent at all
    p.years.low = 0.0;
    p.years.high = saved.low > 0.0 ? spent.high / saved.low : std::numeric_limits<double>::infinity();
  }
  if (saved.low <= 0.0) {  // there is no log-normal interval; the far end is open
    p.years.low = std::fmax(0.0, spent.low) / saved.high;
    p.years.high = std::numeric_limits<double>::infinity();
    p.explanation = "perhaps never: the interval of what is saved reaches zero";
  }
  return p;
}

}  // namespace

Payback payback_against_raw(const SummaryRow& row, const PaybackAssumptions& a) {
  if (!row.ok() || row.raw_B == 0) return unknown("no run succeeded");
  const double share = saved_share(row);
  if (share <= 0.0) return never("the file is no smaller than the raw values");
  if (!row.compress_energy) return unknown("the energy of compressing is unknown");
  Figure saved = saved_bytes(share, a);
  if (a.fetches_per_year > 0.0) {
    if (!row.decode_energy) return unknown("the energy of decoding is unknown");
    saved = difference(saved, at_the_meter(*row.decode_energy, a.fetches_per_year, a, "J/(GB year)"));
  }
  return divide(at_the_meter(*row.compress_energy, 1.0, a, "J/GB"), saved, "decoding costs more than is saved");
}

Payback carbon_payback_against_raw(const SummaryRow& row, const PaybackAssumptions& a) {
  if (!row.ok() || row.raw_B == 0) return unknown("no run succeeded");
  const double share = saved_share(row);
  if (share <= 0.0) return never("the file is no smaller than the raw values");
  if (!row.compress_energy) return unknown("the energy of compressing is unknown");
  const Figure grams_per_J = a.grid.figure(1.0 / joules_per_kWh, "g/J");
  Figure saved = product(saved_bytes(share, a), grams_per_J, "g/(GB year)");
  // kg/(TB year) and g/(GB year) are the same number
  const Figure disks = product(a.embodied.figure(share, "g/(GB year)"), a.replicas.figure(1.0, "1"), "g/(GB year)");
  saved = sum(saved, disks);
  if (a.fetches_per_year > 0.0) {
    if (!row.decode_energy) return unknown("the energy of decoding is unknown");
    const Figure decoding = at_the_meter(*row.decode_energy, a.fetches_per_year, a, "J/(GB year)");
    saved = difference(saved, product(decoding, grams_per_J, "g/(GB year)"));
  }
  return divide(product(at_the_meter(*row.compress_energy, 1.0, a, "J/GB"), grams_per_J, "g/GB"), saved,
                "decoding emits more than is saved");
}

Payback payback_against(const SummaryRow& row, const SummaryRow& baseline, const PaybackAssumptions& a) {
  if (!row.ok() || row.raw_B == 0 || !baseline.ok() || baseline.raw_B == 0) return unknown("no run succeeded");
  if (!row.compress_energy || !baseline.compress_energy) return unknown("the energy of compressing is unknown");
  const double share = saved_share(row) - saved_share(baseline);
  if (share <= 0.0) return never("its file is no smaller");
  Figure saved = saved_bytes(share, a);
  if (a.fetches_per_year > 0.0) {
    if (!row.decode_energy || !baseline.decode_energy) return unknown("the energy of decoding is unknown");
    const std::string unit = "J/(GB year)";
    saved = difference(saved, difference(at_the_meter(*row.decode_energy, a.fetches_per_year, a, unit),
                                         at_the_meter(*baseline.decode_energy, a.fetches_per_year, a, unit)));
  }
  const Figure spent = difference(at_the_meter(*row.compress_energy, 1.0, a, "J/GB"),
                                  at_the_meter(*baseline.compress_energy, 1.0, a, "J/GB"));
  return divide(spent, saved, "decoding costs more than is saved");
}

}  // namespace haywatt::metrics
