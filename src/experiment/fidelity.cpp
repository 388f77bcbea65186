#include "experiment/fidelity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace haywatt::experiment {
namespace {

Histogram empty_histogram(double low, double high) {
  Histogram h;
  h.low = low;
  h.high = high;
  h.counts.assign(histogram_bins, 0.0);
  return h;
}

/// The error's histogram spans the bound, so that its use of it shows; without an absolute bound, the errors made.
double error_range(const ResolvedBound& bound, const ErrorStatistics& error) {
  return bound.kind == BoundKind::Abs ? std::max(bound.epsilon, error.max_abs) : error.max_abs;
}

std::vector<double> differences(const std::vector<double>& decoded, const std::vector<double>& original) {
  std::vector<double> d(original.size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = decoded[i] - original[i];
  return d;
}

ColumnFidelity summarise(const ColumnInfo& info, const ColumnOutcome& coded, const ColumnOutcome& checked) {
  ColumnFidelity f;
  f.name = info.name;
  f.dtype = info.dtype.name();
  f.bound = describe_bound(coded.bound);
  f.epsilon = coded.bound.epsilon;
  f.minimum = coded.statistics.minimum;
  f.maximum = coded.statistics.maximum;
  f.compressed_B = coded.compressed_bytes;
  const ErrorStatistics& e = checked.error;
  f.max_abs_error = e.max_abs;
  f.max_rel_error = e.max_rel;
  const std::uint64_t compared = e.values - std::min(e.values, e.not_finite);
  f.rms_error = compared > 0 ? std::sqrt(e.sum_squared / static_cast<double>(compared)) : 0.0;
  f.exact_share = e.values > 0 ? static_cast<double>(e.exact) / static_cast<double>(e.values) : 1.0;
  f.violations = e.violations;
  return f;
}

}  // namespace

void count_into(Histogram& h, const std::vector<double>& values) {
  const auto bins = static_cast<double>(h.counts.size());
  const double width = h.high / bins - h.low / bins;  // divided first: high - low may be infinite
  for (const double v : values) {
    if (!(v >= h.low && v <= h.high)) {
      h.outside += 1.0;  // NaN too
      continue;
    }
    const double at = width > 0.0 ? (v / bins - h.low / bins) / width * bins : bins / 2.0;
    h.counts[static_cast<std::size_t>(std::clamp(at, 0.0, bins - 1.0))] += 1.0;
  }
}

std::string describe_bound(const ResolvedBound& bound) {
  switch (bound.kind) {
    case BoundKind::Abs:
    case BoundKind::Range:
      return fmt::format("abs {}", bound.epsilon);
    case BoundKind::Rel:
      return fmt::format("rel {}", bound.epsilon);
    case BoundKind::Bits:
      return fmt::format("bits {}", bound.mantissa_bits);
    case BoundKind::None:
      return "none";
    case BoundKind::Lossless:
      break;
  }
  return "lossless";
}

void compare_with_original(const std::string& file, const TableReader& original, const CompressOutcome& outcome,
                           int threads, bool histograms, RunRecord& run) {
  const std::vector<ColumnInfo>& columns = original.schema().columns;
  const VerifyOutcome checked = verify_file(file, &original, threads);
  run.fidelity.clear();
  std::string broken;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    run.fidelity.push_back(summarise(columns[c], outcome.columns[c], checked.columns[c]));
    if (broken.empty() && run.fidelity[c].violations > 0)
      broken = fmt::format("{} values of column '{}' are outside the bound {}", run.fidelity[c].violations,
                           columns[c].name, run.fidelity[c].bound);
  }
  if (!broken.empty()) {
    run.status = "failed";
    run.reason = broken;
  }
  if (!histograms) return;
  // The ranges are known only now: a second pass.
  for (std::size_t c = 0; c < columns.size(); ++c) {
    ColumnFidelity& f = run.fidelity[c];
    f.original = f.decoded = empty_histogram(f.minimum, f.maximum);
    const double range = error_range(outcome.columns[c].bound, checked.columns[c].error);
    if (range > 0.0) f.error = empty_histogram(-range, range);
  }
  (void)verify_file(file, &original, threads, [&](const Chunk& before, const Chunk& after) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      ColumnFidelity& f = run.fidelity[c];
      const std::vector<double> x = to_doubles(columns[c].dtype, before.columns[c].values);
      const std::vector<double> y = to_doubles(columns[c].dtype, after.columns[c].values);
      count_into(f.original, x);
      count_into(f.decoded, y);
      if (!f.error.counts.empty()) count_into(f.error, differences(y, x));
    }
  });
}

}  // namespace haywatt::experiment
