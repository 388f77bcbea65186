#include "report/ladder_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/text.hpp"

namespace haywatt::report {
namespace {

/// Parts of a run smaller than this at the largest size are not worth a line.
constexpr double smallest_share = 0.01;

std::string micro(double seconds, std::uint64_t rows) {
  return rows == 0 || !(seconds > 0.0) ? "–" : digits(1e6 * seconds / static_cast<double>(rows));
}

/// Exponent p of t ~ n^p between the two largest sizes that have a value.
std::string exponent(const std::vector<std::pair<std::uint64_t, double>>& by_rows) {
  std::vector<std::pair<std::uint64_t, double>> known;
  for (const auto& x : by_rows)
    if (x.second > 0.0) known.push_back(x);
  if (known.size() < 2) return "–";
  const auto& [n1, t1] = known[known.size() - 2];
  const auto& [n2, t2] = known.back();
  return fmt::format("{:.2f}", std::log(t2 / t1) / std::log(static_cast<double>(n2) / static_cast<double>(n1)));
}

std::vector<std::uint64_t> sizes_of(const LadderRecord& record, const std::string& phase) {
  std::vector<std::uint64_t> sizes;
  for (const std::uint64_t n : record.rows)
    if (any_figures(ladder_rows(record, phase, n))) sizes.push_back(n);
  return sizes;
}

std::vector<std::string> growth_row(const std::string& name, const std::vector<std::uint64_t>& sizes,
                                    const std::function<double(std::uint64_t)>& seconds) {
  std::vector<std::string> row = {name};
  std::vector<std::pair<std::uint64_t, double>> by_rows;
  for (const std::uint64_t n : sizes) {
    by_rows.emplace_back(n, seconds(n));
    row.push_back(micro(by_rows.back().second, n));
  }
  row.push_back(exponent(by_rows));
  return row;
}

double part_s(const LadderRecord& record, const std::string& rung, const std::string& phase, std::uint64_t rows,
              const std::string& part) {
  for (const InsidePhase& p : inside(record, rung, phase, rows))
    if (p.name == part) return p.wall_s;
  return 0.0;
}

}  // namespace

std::string ratio_words(const LadderStep* step, const std::string& metric) {
  const ComparedMetric* m = metric_of(step, metric);
  return m == nullptr ? "–" : times(m->ratio);
}

std::vector<std::pair<std::string, std::string>> ladder_headline(const LadderRecord& record) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& phase : record.phases) {
    const auto sizes = sizes_of(record, phase);
    if (sizes.empty()) continue;
    const auto rows = ladder_rows(record, phase, sizes.back());
    const LadderRow *first = nullptr, *best = nullptr;
    for (const LadderRow& r : rows) {
      if (!r.absent.empty()) continue;
      if (first == nullptr) first = &r;
      if (best == nullptr || r.wall.value < best->wall.value) best = &r;
    }
    if (best == first) {
      all.emplace_back(phase, fmt::format("{} rows: {} takes {}; no rung takes less.", count(sizes.back()),
                                          first->rung->id, quantity(first->wall.value, "s")));
      continue;
    }
    std::string text =
        fmt::format("{} rows: from {} ({}) to {} ({})", count(sizes.back()), quantity(first->wall.value, "s"),
                    first->rung->id, quantity(best->wall.value, "s"), best->rung->id);
    if (metric_of(best->to_first, "time") != nullptr)
      text += fmt::format(": {} of the time", ratio_words(best->to_first, "time"));
    if (metric_of(best->to_first, "energy") != nullptr)
      text += fmt::format(", {} of the energy", ratio_words(best->to_first, "energy"));
    all.emplace_back(phase, text + ".");
  }
  return all;
}

std::string growth_sentence() {
  return "Microseconds of work a row at each size, and the exponent p between the two largest: work ∝ rows^p. What is "
         "linear has the same figure at each size and p = 1; p near 2 is quadratic.";
}

std::vector<GrowthTable> ladder_growth(const LadderRecord& record) {
  std::vector<GrowthTable> tables;
  for (const std::string& phase : record.phases) {
    const auto sizes = sizes_of(record, phase);
    if (sizes.size() < 2) continue;
    GrowthTable t;
    t.title = phase;
    t.head = {"µs a row"};
    for (const std::uint64_t n : sizes) t.head.push_back(count(n) + " rows");
    t.head.emplace_back("p");
    for (const LadderRung& r : record.rungs) {
      if (!record.runs_here(r, phase)) continue;
      t.rows.push_back(growth_row(r.id, sizes, [&](std::uint64_t n) {
        for (const LadderRow& row : ladder_rows(record, phase, n))
          if (row.rung == &r && row.absent.empty()) return row.work.value;
        return 0.0;
      }));
      if (record.first(phase) != &r) continue;
      const auto parts = inside(record, r.id, phase, sizes.back());
      double whole = 0.0;
      for (const InsidePhase& p : parts) whole += p.wall_s;
      for (const InsidePhase& p : parts)
        if (p.wall_s > smallest_share * whole &&
            std::find(record.overhead.begin(), record.overhead.end(), p.name) == record.overhead.end())
          t.rows.push_back(growth_row("of it " + p.name, sizes,
                                      [&](std::uint64_t n) { return part_s(record, r.id, phase, n, p.name); }));
    }
    tables.push_back(std::move(t));
  }
  return tables;
}

}  // namespace haywatt::report
