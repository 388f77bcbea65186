#include "experiment/fidelity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace haywatt::experiment {
namespace {

constexpr std::uint64_t bytes_at_once = std::uint64_t{32} << 20;

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

using SeePair = std::function<void(const Chunk& original, const Chunk& decoded)>;
/// Goes through both tables once, shows every pair of chunks to its argument (if it is not empty), and returns the
/// errors of each column.
using Pass = std::function<std::vector<ColumnOutcome>(const SeePair&)>;

std::vector<ColumnOutcome> compare_pairs(const TableReader& original, const TableReader& decoded,
                                         const std::vector<ColumnOutcome>& known, const SeePair& see) {
  const Schema& schema = original.schema();
  std::vector<ColumnOutcome> checked = known;
  const std::uint64_t row_B =
      std::max<std::uint64_t>(1, schema.raw_bytes() / std::max<std::uint64_t>(1, schema.rows()));
  const std::uint64_t step = std::max<std::uint64_t>(1, bytes_at_once / row_B);
  for (std::uint64_t row = 0; row < schema.rows(); row += step) {
    const Chunk x = original.read(row, step);
    const Chunk y = decoded.read(row, step);
    for (std::size_t c = 0; c < checked.size(); ++c) {
      const DType& type = schema.columns[c].dtype;
      ErrorStatistics errors;
      accumulate_errors(errors, type, x.columns[c].values, y.columns[c].values);
      errors.violations = find_violations(type, x.columns[c].values, y.columns[c].values, known[c].bound, 1.0).size();
      checked[c].error.merge(errors);
    }
    if (see) see(x, y);
  }
  return checked;
}

void judge(const Schema& schema, const std::vector<ColumnOutcome>& coded, const Pass& pass, bool histograms,
           RunRecord& run) {
  const std::vector<ColumnInfo>& columns = schema.columns;
  const std::vector<ColumnOutcome> checked = pass({});
  run.fidelity.clear();
  std::string broken;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    run.fidelity.push_back(summarise(columns[c], coded[c], checked[c]));
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
    const double range = error_range(coded[c].bound, checked[c].error);
    if (range > 0.0) f.error = empty_histogram(-range, range);
  }
  (void)pass([&](const Chunk& before, const Chunk& after) {
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
  const Pass pass = [&](const SeePair& see) { return verify_file(file, &original, threads, see).columns; };
  judge(original.schema(), outcome.columns, pass, histograms, run);
}

void compare_tables(const TableReader& original, const TableReader& decoded, const std::vector<ResolvedBound>& bounds,
                    const std::vector<ColumnStatistics>& statistics, bool histograms, RunRecord& run) {
  const std::vector<ColumnInfo>& columns = original.schema().columns;
  std::vector<ColumnOutcome> known;
  for (std::size_t c = 0; c < columns.size(); ++c)
    known.push_back({columns[c].name, bounds[c], statistics[c], {}, 0, 0});
  const Pass pass = [&](const SeePair& see) { return compare_pairs(original, decoded, known, see); };
  judge(original.schema(), known, pass, histograms, run);
}

}  // namespace haywatt::experiment
