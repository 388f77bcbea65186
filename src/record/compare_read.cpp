// Reading what compare_json.cpp writes.
#include "haywatt/base/error.hpp"
#include "haywatt/record/compare.hpp"
#include "record/json_fields.hpp"
#include "record/key_figures.hpp"
#include "record/series_json.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::array_member;
using record::object_member;
using record::read_member;

void read_optional(const json& j, const char* name, std::optional<double>& out) {
  out.reset();
  if (const auto it = j.find(name); it != j.end() && !it->is_null()) record::read_value(*it, name, out.emplace());
}

ComparedSide side_from(const json& parent, const char* name) {
  const json& j = object_member(parent, name);
  ComparedSide s;
  read_member(j, "command", s.command);
  record::read_texts(j, "words", s.words);
  record::read_texts(j, "files", s.files);
  return s;
}

ComparedPhase phase_from(const json& j) {
  record::expect_object(j, "phase");
  ComparedPhase p;
  read_member(j, "name", p.name);
  read_member(j, "a_median", p.a_median);
  read_member(j, "b_median", p.b_median);
  if (j.contains("difference")) j["difference"].get_to(p.difference);
  read_member(j, "told", p.told);
  return p;
}

ComparedRun run_from(const json& j) {
  record::expect_object(j, "run");
  ComparedRun r;
  std::string side = "A";
  read_member(j, "side", side);
  if (side != "A" && side != "B") fail_input("record: the side of a compared run must be \"A\" or \"B\"");
  r.side = side.front();
  read_member(j, "pair", r.pair);
  read_member(j, "warm_up", r.warm_up);
  read_member(j, "exit_code", r.exit_code);
  record::read_key_figures(j, r.run);
  return r;
}

}  // namespace

void from_json(const json& j, ComparedMetric& m) {
  record::expect_object(j, "metric");
  m = ComparedMetric{};
  read_member(j, "name", m.name);
  read_member(j, "unit", m.unit);
  read_member(j, "known", m.known);
  read_member(j, "verdict", m.verdict);
  read_member(j, "note", m.note);
  read_member(j, "sensor", m.sensor);
  read_member(j, "boundary", m.boundary);
  read_member(j, "rule", m.rule);
  read_member(j, "tier", m.tier);
  read_member(j, "a_median", m.a_median);
  read_member(j, "b_median", m.b_median);
  if (j.contains("ratio")) j["ratio"].get_to(m.ratio);
  read_member(j, "p_b_less", m.p_b_less);
  read_member(j, "detectable", m.detectable);
  read_member(j, "not_reduced_by_pairs", m.shared_not);
  if (const auto it = j.find("more_pairs"); it != j.end() && !it->is_null())
    record::read_value(*it, "more_pairs", m.more_pairs.emplace());
}

void from_json(const json& j, ComparisonRecord& r) {
  record::expect_object(j, "comparison");
  std::string schema;
  read_member(j, "schema", schema);
  if (schema != "haywatt-compare/1") fail_input("record: schema \"" + schema + "\" is not haywatt-compare/1");
  r = ComparisonRecord{};
  read_member(j, "haywatt_version", r.haywatt_version);
  read_member(j, "started", r.started);
  read_member(j, "finished", r.finished);
  if (j.contains("machine")) j["machine"].get_to(r.machine);
  r.a = side_from(j, "a");
  r.b = side_from(j, "b");
  read_member(j, "paired", r.paired);
  read_member(j, "pairs", r.pairs);
  read_member(j, "warm_up", r.warm_up);
  read_member(j, "seed", r.seed);
  read_optional(j, "precision", r.precision);
  read_optional(j, "budget_s", r.budget_s);
  read_member(j, "stopped_by", r.stopped_by);
  read_member(j, "elapsed_s", r.elapsed_s);
  record::read_list(j, "metrics", r.metrics);
  std::uint64_t deciding = 0;
  read_member(j, "deciding", deciding);
  if (!r.metrics.empty() && deciding >= r.metrics.size()) fail_input("record: \"deciding\" names no metric");
  r.deciding = static_cast<std::size_t>(deciding);
  read_member(j, "deciding_reason", r.deciding_reason);
  for (const json& p : array_member(j, "phases")) r.phases.push_back(phase_from(p));
  if (const auto it = j.find("total"); it != j.end() && !it->is_null()) r.total = phase_from(*it);
  read_member(j, "cause", r.cause);
  read_optional(j, "fail_if_worse", r.fail_if_worse);
  read_member(j, "worse", r.worse);
  record::read_texts(j, "notes", r.notes);
  for (const json& run : array_member(j, "runs")) r.runs.push_back(run_from(run));
}

}  // namespace haywatt
