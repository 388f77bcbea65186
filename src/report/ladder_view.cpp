#include "report/ladder_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/text.hpp"

namespace haywatt::report {
namespace {

/// The energy that tables show: the first attributed one, as the record orders them, else the first known.
const EnergyFigure* energy_of(const RunRecord& run) {
  const EnergyFigure* any = nullptr;
  for (const EnergyFigure& e : run.energy) {
    if (!e.known || e.share == "machine") continue;
    if (e.rule == "attributed") return &e;
    if (any == nullptr) any = &e;
  }
  return any;
}

double median(std::vector<double> v) {
  if (v.empty()) return 0.0;
  std::sort(v.begin(), v.end());
  const std::size_t half = v.size() / 2;
  return v.size() % 2 == 1 ? v[half] : 0.5 * (v[half - 1] + v[half]);
}

template <class F>
std::vector<double> gather(const std::vector<const RunRecord*>& runs, F&& value) {
  std::vector<double> v;
  for (const RunRecord* r : runs) v.push_back(value(*r));
  return v;
}

std::vector<const RunRecord*> runs_of(const LadderRecord& record, const std::string& rung, const std::string& phase,
                                      std::uint64_t rows) {
  std::vector<const RunRecord*> runs;
  for (const LadderRun& r : record.runs)
    if (r.rung == rung && r.phase == phase && r.rows == rows) runs.push_back(&r.run);
  return runs;
}

std::string why_absent(const LadderRecord& record, const LadderRung& rung, const LadderCheck* check) {
  if (!rung.unavailable.empty()) return rung.unavailable;
  if (check != nullptr && !check->failure.empty()) return "failed: " + check->failure;
  return record.stopped_by == "budget" || record.stopped_by == "interrupted" ? "not reached yet" : "not measured here";
}

LadderRow row_of(const LadderRecord& record, const LadderRung& rung, const std::string& phase, std::uint64_t rows) {
  LadderRow row;
  row.rung = &rung;
  row.check = record.check(rung.id, phase);
  const auto runs = runs_of(record, rung.id, phase, rows);
  row.runs = static_cast<int>(runs.size());
  if (runs.empty() || !record.runs_here(rung, phase)) {
    row.absent = why_absent(record, rung, row.check);
    return row;
  }
  const std::string id = rung.id + " " + phase;
  row.wall = Figure::from_repeats(gather(runs, [](const RunRecord& r) { return r.wall_s; }), "s", id);
  row.cpu = Figure::from_repeats(gather(runs, [](const RunRecord& r) { return r.cpu_s; }), "s", id);
  row.work =
      Figure::from_repeats(gather(runs, [&](const RunRecord& r) { return work_s(r, record.overhead); }), "s", id);
  row.peak_B = median(gather(runs, [](const RunRecord& r) { return static_cast<double>(r.rss_peak_B); }));
  if (energy_of(*runs.front()) != nullptr)
    row.joules = Figure::from_repeats(gather(runs,
                                             [](const RunRecord& r) {
                                               const EnergyFigure* e = energy_of(r);
                                               return e == nullptr ? NAN : e->joules.value;
                                             }),
                                      "J", id);
  if (const LadderRung* before = record.before(rung, phase))
    row.to_before = record.step(rung.id, before->id, phase, rows);
  if (const LadderRung* first = record.first(phase); first != nullptr && first != &rung)
    row.to_first = record.step(rung.id, first->id, phase, rows);
  return row;
}

}  // namespace

std::vector<LadderRow> ladder_rows(const LadderRecord& record, const std::string& phase, std::uint64_t rows) {
  std::vector<LadderRow> all;
  for (const LadderRung& r : record.rungs)
    if (r.concerns(phase)) all.push_back(row_of(record, r, phase, rows));
  return all;
}

bool any_figures(const std::vector<LadderRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const LadderRow& r) { return r.absent.empty(); });
}

std::vector<std::pair<std::string, std::vector<std::string>>> absent_rungs(const std::vector<LadderRow>& rows) {
  std::vector<std::pair<std::string, std::vector<std::string>>> all;
  for (const LadderRow& r : rows) {
    if (r.absent.empty()) continue;
    const auto same = std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.first == r.absent; });
    if (same == all.end())
      all.push_back({r.absent, {r.rung->id}});
    else
      same->second.push_back(r.rung->id);
  }
  return all;
}

const ComparedMetric* metric_of(const LadderStep* step, const std::string& name) {
  if (step == nullptr) return nullptr;
  const ComparedMetric* any = nullptr;
  for (const ComparedMetric& m : step->metrics) {
    if (m.name != name || !m.known) continue;
    if (name != "energy" || m.rule == "attributed") return &m;
    if (any == nullptr) any = &m;
  }
  return any;
}

std::string result_words(const LadderRow& row) {
  if (row.check == nullptr || !row.check->failure.empty()) return "not looked at";
  if (row.check->same_bytes.value_or(false)) return "same bytes";
  if (!row.check->max_difference) return row.check->same_bytes ? "other bytes" : "";
  if (*row.check->max_difference == 0.0) return "decodes to the same values";
  return fmt::format("decodes to values up to {} of the range away", digits(*row.check->max_difference));
}

std::string joules_basis(const LadderRecord& record) {
  for (const LadderRun& r : record.runs)
    if (const EnergyFigure* e = energy_of(r.run))
      return e->sensor + (e->tier.empty() ? "" : " " + e->tier) + ", " + e->boundary +
             (e->rule.empty() ? "" : ", " + e->rule);
  return {};
}

std::vector<InsidePhase> inside(const LadderRecord& record, const std::string& rung, const std::string& phase,
                                std::uint64_t rows) {
  std::map<std::string, std::vector<double>> by_name;
  const auto runs = runs_of(record, rung, phase, rows);
  for (const RunRecord* r : runs)
    for (const PhaseRecord& p : r->phases) by_name[p.name].push_back(p.wall_s);
  std::vector<InsidePhase> all;
  for (const auto& [name, values] : by_name) all.push_back({name, median(values)});
  std::stable_sort(all.begin(), all.end(),
                   [](const InsidePhase& a, const InsidePhase& b) { return a.wall_s > b.wall_s; });
  return all;
}

std::uint64_t reference_rows(const LadderRecord& record) {
  std::uint64_t best = 0;
  int most = -1;
  for (const std::uint64_t rows : record.rows) {
    int measured = 0;
    for (const LadderRung& r : record.rungs) measured += gain_of(record, r, rows).measured ? 1 : 0;
    if (measured >= most) {
      most = measured;
      best = rows;
    }
  }
  return best;
}

LadderGain gain_of(const LadderRecord& record, const LadderRung& rung, std::uint64_t rows) {
  LadderGain gain;
  gain.rung = &rung;
  double whole = 0.0;
  int wanted = 0, found = 0;
  for (const auto& [phase, unused] : rung.commands) {
    ++wanted;
    const LadderRung* before = record.before(rung, phase);
    const LadderStep* step = before == nullptr ? nullptr : record.step(rung.id, before->id, phase, rows);
    if (step == nullptr) continue;
    ++found;
    if (const ComparedMetric* m = metric_of(step, "time")) gain.seconds += m->a_median - m->b_median;
    if (const ComparedMetric* m = metric_of(step, "energy")) gain.joules += m->a_median - m->b_median;
    for (const char* name : {"time", "cpu"})
      if (const ComparedMetric* m = metric_of(step, name)) gain.told = gain.told || m->ratio.high < 1.0;
    if (const LadderRung* first = record.first(phase)) whole += row_of(record, *first, phase, rows).wall.value;
  }
  gain.measured = wanted > 0 && found == wanted;
  if (whole > 0.0) gain.share = gain.seconds / whole;
  return gain;
}

}  // namespace haywatt::report
