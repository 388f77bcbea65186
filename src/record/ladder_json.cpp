#include "haywatt/record/ladder.hpp"
#include "record/json_fields.hpp"
#include "record/key_figures.hpp"
#include "record/series_json.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::array_member;
using record::number;
using record::object_member;
using record::read_member;
using record::read_texts;
using record::utf8;

constexpr const char* schema = "haywatt-ladder/1";

json texts_json(const std::vector<std::string>& lines) {
  json list = json::array();
  for (const std::string& line : lines) list.push_back(utf8(line));
  return list;
}

json texts_json(const std::map<std::string, std::string>& named) {
  json object = json::object();
  for (const auto& [name, text] : named) object[utf8(name)] = utf8(text);
  return object;
}

void read_named(const json& j, const char* name, std::map<std::string, std::string>& out) {
  out.clear();
  for (const auto& [key, value] : object_member(j, name).items()) record::read_value(value, name, out[key]);
}

json optional_json(const std::optional<double>& x) { return x ? number(*x) : json(nullptr); }

void read_optional(const json& j, const char* name, std::optional<double>& out) {
  out.reset();
  if (const auto it = j.find(name); it != j.end() && !it->is_null()) record::read_value(*it, name, out.emplace());
}

json rung_json(const LadderRung& r) {
  return {{"id", utf8(r.id)},
          {"title", utf8(r.title)},
          {"mechanism", utf8(r.mechanism)},
          {"place", utf8(r.place)},
          {"effort", utf8(r.effort)},
          {"risk", utf8(r.risk)},
          {"note", utf8(r.note)},
          {"stands_in", utf8(r.stands_in)},
          {"on", utf8(r.on)},
          {"parallel", r.parallel},
          {"side", r.side},
          {"measured_only", r.measured_only},
          {"commands", texts_json(r.commands)},
          {"environment", texts_json(r.environment)},
          {"unavailable", utf8(r.unavailable)}};
}

LadderRung rung_from(const json& j) {
  record::expect_object(j, "rung");
  LadderRung r;
  read_member(j, "id", r.id);
  read_member(j, "title", r.title);
  read_member(j, "mechanism", r.mechanism);
  read_member(j, "place", r.place);
  read_member(j, "effort", r.effort);
  read_member(j, "risk", r.risk);
  read_member(j, "note", r.note);
  read_member(j, "stands_in", r.stands_in);
  read_member(j, "on", r.on);
  read_member(j, "parallel", r.parallel);
  read_member(j, "side", r.side);
  read_member(j, "measured_only", r.measured_only);
  read_named(j, "commands", r.commands);
  read_texts(j, "environment", r.environment);
  read_member(j, "unavailable", r.unavailable);
  return r;
}

json run_json(const LadderRun& r) {
  json j = record::key_figures_json(r.run);
  for (json& phase : j["phases"]) phase.erase("energy");
  j.update({{"rung", utf8(r.rung)}, {"phase", utf8(r.phase)}, {"rows", r.rows}, {"round", r.round}, {"made", r.made}});
  return j;
}

LadderRun run_from(const json& j) {
  record::expect_object(j, "run");
  LadderRun r;
  read_member(j, "rung", r.rung);
  read_member(j, "phase", r.phase);
  read_member(j, "rows", r.rows);
  read_member(j, "round", r.round);
  read_member(j, "made", r.made);
  record::read_key_figures(j, r.run);
  return r;
}

json check_json(const LadderCheck& c) {
  json results = json::object();
  for (const auto& [name, value] : c.results) results[utf8(name)] = number(value);
  return {{"rung", utf8(c.rung)},
          {"phase", utf8(c.phase)},
          {"rows", c.rows},
          {"made", c.made},
          {"artefact_B", c.artefact_B},
          {"xxh3", c.xxh3},
          {"same_bytes", c.same_bytes ? json(*c.same_bytes) : json(nullptr)},
          {"max_error", optional_json(c.max_error)},
          {"median_error", optional_json(c.median_error)},
          {"max_difference", optional_json(c.max_difference)},
          {"results", std::move(results)},
          {"failure", utf8(c.failure)}};
}

LadderCheck check_from(const json& j) {
  record::expect_object(j, "check");
  LadderCheck c;
  read_member(j, "rung", c.rung);
  read_member(j, "phase", c.phase);
  read_member(j, "rows", c.rows);
  read_member(j, "made", c.made);
  read_member(j, "artefact_B", c.artefact_B);
  read_member(j, "xxh3", c.xxh3);
  if (const auto it = j.find("same_bytes"); it != j.end() && !it->is_null())
    record::read_value(*it, "same_bytes", c.same_bytes.emplace());
  read_optional(j, "max_error", c.max_error);
  read_optional(j, "median_error", c.median_error);
  read_optional(j, "max_difference", c.max_difference);
  for (const auto& [key, value] : object_member(j, "results").items())
    record::read_value(value, "results", c.results[key]);
  read_member(j, "failure", c.failure);
  return c;
}

json step_json(const LadderStep& s) {
  return {{"rung", utf8(s.rung)}, {"against", utf8(s.against)}, {"phase", utf8(s.phase)},
          {"rows", s.rows},       {"pairs", s.pairs},           {"metrics", s.metrics}};
}

LadderStep step_from(const json& j) {
  record::expect_object(j, "step");
  LadderStep s;
  read_member(j, "rung", s.rung);
  read_member(j, "against", s.against);
  read_member(j, "phase", s.phase);
  read_member(j, "rows", s.rows);
  read_member(j, "pairs", s.pairs);
  record::read_list(j, "metrics", s.metrics);
  return s;
}

template <class T, class ToJson>
json list_of(const std::vector<T>& items, ToJson to_json) {
  json list = json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

json fault_json(const LadderFault& f) {
  return {{"title", utf8(f.title)}, {"place", utf8(f.place)}, {"evidence", utf8(f.evidence)}, {"mend", utf8(f.mend)}};
}

LadderFault fault_from(const json& j) {
  record::expect_object(j, "fault");
  LadderFault f;
  read_member(j, "title", f.title);
  read_member(j, "place", f.place);
  read_member(j, "evidence", f.evidence);
  read_member(j, "mend", f.mend);
  return f;
}

}  // namespace

void to_json(json& j, const LadderRecord& r) {
  j = {{"schema", schema},
       {"title", utf8(r.title)},
       {"about", utf8(r.about)},
       {"subject", utf8(r.subject)},
       {"table", utf8(r.table)},
       {"haywatt_version", utf8(r.haywatt_version)},
       {"started", utf8(r.started)},
       {"finished", utf8(r.finished)},
       {"machine", r.machine},
       {"overhead", texts_json(r.overhead)},
       {"phases", texts_json(r.phases)},
       {"rows", r.rows},
       {"rungs", list_of(r.rungs, rung_json)},
       {"faults", list_of(r.faults, fault_json)},
       {"steps", list_of(r.steps, step_json)},
       {"checks", list_of(r.checks, check_json)},
       {"versions", texts_json(r.versions)},
       {"stopped_by", r.stopped_by},
       {"notes", texts_json(r.notes)},
       {"runs", list_of(r.runs, run_json)}};
}

void from_json(const json& j, LadderRecord& r) {
  record::expect_object(j, "ladder");
  std::string found;
  read_member(j, "schema", found);
  if (found != schema) fail_input("record: schema \"" + found + "\" is not " + schema);
  r = LadderRecord{};
  read_member(j, "title", r.title);
  read_member(j, "about", r.about);
  read_member(j, "subject", r.subject);
  read_member(j, "table", r.table);
  read_member(j, "haywatt_version", r.haywatt_version);
  read_member(j, "started", r.started);
  read_member(j, "finished", r.finished);
  if (j.contains("machine")) j["machine"].get_to(r.machine);
  read_texts(j, "overhead", r.overhead);
  read_texts(j, "phases", r.phases);
  for (const json& n : array_member(j, "rows")) record::read_value(n, "rows", r.rows.emplace_back());
  for (const json& item : array_member(j, "rungs")) r.rungs.push_back(rung_from(item));
  for (const json& item : array_member(j, "faults")) r.faults.push_back(fault_from(item));
  for (const json& item : array_member(j, "steps")) r.steps.push_back(step_from(item));
  for (const json& item : array_member(j, "checks")) r.checks.push_back(check_from(item));
  read_named(j, "versions", r.versions);
  read_member(j, "stopped_by", r.stopped_by);
  read_texts(j, "notes", r.notes);
  for (const json& item : array_member(j, "runs")) r.runs.push_back(run_from(item));
}

}  // namespace haywatt
