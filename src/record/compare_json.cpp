#include "haywatt/record/compare.hpp"
#include "record/json_fields.hpp"
#include "record/key_figures.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::number;
using record::utf8;

json texts(const std::vector<std::string>& lines) {
  json list = json::array();
  for (const std::string& line : lines) list.push_back(utf8(line));
  return list;
}

json optional_number(const std::optional<double>& x) { return x ? number(*x) : json(nullptr); }

json side_json(const ComparedSide& s) {
  json j = {{"command", utf8(s.command)}, {"words", texts(s.words)}};
  if (!s.files.empty()) j["files"] = texts(s.files);
  return j;
}

json phase_json(const ComparedPhase& p) {
  return {{"name", utf8(p.name)},
          {"a_median", number(p.a_median)},
          {"b_median", number(p.b_median)},
          {"difference", p.difference},
          {"told", p.told}};
}

json run_json(const ComparedRun& r) {
  json j = record::key_figures_json(r.run);
  j.update({{"side", std::string(1, r.side)}, {"pair", r.pair}, {"warm_up", r.warm_up}, {"exit_code", r.exit_code}});
  return j;
}

template <class T, class ToJson>
json list_of(const std::vector<T>& items, ToJson to_json) {
  json list = json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

}  // namespace

void to_json(json& j, const ComparedMetric& m) {
  j = {{"name", m.name}, {"unit", m.unit}, {"known", m.known}, {"verdict", m.verdict}, {"note", utf8(m.note)}};
  if (m.name == "energy") {
    j["sensor"] = utf8(m.sensor);
    j["boundary"] = utf8(m.boundary);
    j["rule"] = utf8(m.rule);
    j["tier"] = utf8(m.tier);
  }
  if (!m.known) return;
  j["a_median"] = number(m.a_median);
  j["b_median"] = number(m.b_median);
  j["ratio"] = m.ratio;
  j["p_b_less"] = number(m.p_b_less);
  j["detectable"] = number(m.detectable);
  j["not_reduced_by_pairs"] = number(m.shared_not);
  j["more_pairs"] = m.more_pairs ? json(*m.more_pairs) : json(nullptr);
}

void to_json(json& j, const ComparisonRecord& r) {
  j = {{"schema", "haywatt-compare/1"},
       {"haywatt_version", utf8(r.haywatt_version)},
       {"started", utf8(r.started)},
       {"finished", utf8(r.finished)},
       {"machine", r.machine},
       {"a", side_json(r.a)},
       {"b", side_json(r.b)},
       {"paired", r.paired},
       {"pairs", r.pairs},
       {"warm_up", r.warm_up},
       {"seed", r.seed},
       {"precision", optional_number(r.precision)},
       {"budget_s", optional_number(r.budget_s)},
       {"stopped_by", r.stopped_by},
       {"elapsed_s", number(r.elapsed_s)},
       {"metrics", r.metrics},
       {"deciding", r.deciding},
       {"deciding_reason", utf8(r.deciding_reason)},
       {"phases", list_of(r.phases, phase_json)},
       {"total", r.total ? phase_json(*r.total) : json(nullptr)},
       {"cause", utf8(r.cause)},
       {"fail_if_worse", optional_number(r.fail_if_worse)},
       {"worse", r.worse},
       {"notes", texts(r.notes)},
       {"runs", list_of(r.runs, run_json)}};
}

}  // namespace haywatt
