#include "haywatt/record/bottleneck.hpp"
#include "record/json_fields.hpp"

namespace haywatt {

using nlohmann::json;
using record::number;
using record::object_member;
using record::read_member;
using record::utf8;

namespace {

json texts(const std::vector<std::string>& lines) {
  json list = json::array();
  for (const std::string& line : lines) list.push_back(utf8(line));
  return list;
}

void read_texts(const json& j, const char* name, std::vector<std::string>& out) {
  out.clear();
  for (const json& item : record::array_member(j, name)) record::read_value(item, name, out.emplace_back());
}

json run_json(const BottleneckRun& r) {
  json seen = json::object();
  for (const auto& [name, value] : r.seen) seen[name] = number(value);
  return {{"treatment", r.treatment}, {"block", r.block},           {"wall_s", number(r.wall_s)},
          {"cpu_s", number(r.cpu_s)}, {"user_s", number(r.user_s)}, {"energy_J", number(r.energy_J)},
          {"seen", std::move(seen)}};
}

BottleneckRun run_of(const json& j) {
  record::expect_object(j, "a run");
  BottleneckRun r;
  read_member(j, "treatment", r.treatment);
  read_member(j, "block", r.block);
  read_member(j, "wall_s", r.wall_s);
  read_member(j, "cpu_s", r.cpu_s);
  read_member(j, "user_s", r.user_s);
  read_member(j, "energy_J", r.energy_J);
  for (const auto& [name, value] : object_member(j, "seen").items())
    record::read_value(value, name.c_str(), r.seen[name]);
  return r;
}

json sensitivity_json(const BottleneckSensitivity& s) {
  json j = {{"resource", s.resource}, {"treatment", s.treatment}, {"control", s.control},
            {"what", utf8(s.what)},   {"known", s.known},         {"note", utf8(s.note)}};
  if (!s.known) return j;
  j["time"] = s.time;
  j["cpu"] = s.cpu;
  j["energy"] = s.energy_known ? json(s.energy) : json(nullptr);
  j["share"] = s.share_known ? json(s.share) : json(nullptr);
  return j;
}

void read_figure(const json& j, const char* name, Figure& out, bool& known) {
  const auto it = j.find(name);
  known = it != j.end() && !it->is_null();
  if (known) it->get_to(out);
}

BottleneckSensitivity sensitivity_of(const json& j) {
  record::expect_object(j, "a sensitivity");
  BottleneckSensitivity s;
  read_member(j, "resource", s.resource);
  read_member(j, "treatment", s.treatment);
  read_member(j, "control", s.control);
  read_member(j, "what", s.what);
  read_member(j, "known", s.known);
  read_member(j, "note", s.note);
  bool ignored = false;
  read_figure(j, "time", s.time, ignored);
  read_figure(j, "cpu", s.cpu, ignored);
  read_figure(j, "energy", s.energy, s.energy_known);
  read_figure(j, "share", s.share, s.share_known);
  return s;
}

json knob_json(const BottleneckKnob& k) {
  return {
      {"name", k.name}, {"values", texts(k.values)}, {"time", k.time}, {"energy", k.energy}, {"meaning", k.meaning}};
}

BottleneckKnob knob_of(const json& j) {
  record::expect_object(j, "a knob");
  BottleneckKnob k;
  read_member(j, "name", k.name);
  read_texts(j, "values", k.values);
  record::read_list(j, "time", k.time);
  record::read_list(j, "energy", k.energy);
  read_member(j, "meaning", k.meaning);
  return k;
}

json evidence_json(const BottleneckEvidence& e) {
  return {{"name", e.name}, {"unit", e.unit}, {"value", number(e.value)}, {"meaning", e.meaning}};
}

BottleneckEvidence evidence_of(const json& j) {
  record::expect_object(j, "evidence");
  BottleneckEvidence e;
  read_member(j, "name", e.name);
  read_member(j, "unit", e.unit);
  read_member(j, "value", e.value);
  read_member(j, "meaning", e.meaning);
  return e;
}

template <class T, class ToJson>
json list_of(const std::vector<T>& items, ToJson make) {
  json list = json::array();
  for (const T& item : items) list.push_back(make(item));
  return list;
}

template <class T, class Make>
void read_each(const json& j, const char* name, std::vector<T>& out, Make make) {
  out.clear();
  for (const json& item : record::array_member(j, name)) out.push_back(make(item));
}

}  // namespace

void to_json(json& j, const BottleneckRecord& r) {
  j = {{"schema", "haywatt-bottleneck/1"},
       {"haywatt_version", utf8(r.haywatt_version)},
       {"started", r.started},
       {"finished", r.finished},
       {"machine", r.machine},
       {"command", utf8(r.command)},
       {"verdict", r.verdict},
       {"support", number(r.support)},
       {"runner_up", r.runner_up},
       {"reason", utf8(r.reason)},
       {"advice", utf8(r.advice)},
       {"blocks", r.blocks},
       {"budget_s", number(r.budget_s)},
       {"elapsed_s", number(r.elapsed_s)},
       {"stopped_by", r.stopped_by},
       {"energy_from", utf8(r.energy_from)},
       {"sensitivities", list_of(r.sensitivities, sensitivity_json)},
       {"evidence", list_of(r.evidence, evidence_json)},
       {"knobs", list_of(r.knobs, knob_json)},
       {"unavailable", texts(r.unavailable)},
       {"notes", texts(r.notes)},
       {"runs", list_of(r.runs, run_json)}};
}

void from_json(const json& j, BottleneckRecord& r) {
  record::expect_object(j, "a bottleneck");
  r = BottleneckRecord{};
  read_member(j, "haywatt_version", r.haywatt_version);
  read_member(j, "started", r.started);
  read_member(j, "finished", r.finished);
  if (j.contains("machine")) j.at("machine").get_to(r.machine);
  read_member(j, "command", r.command);
  read_member(j, "verdict", r.verdict);
  read_member(j, "support", r.support);
  read_member(j, "runner_up", r.runner_up);
  read_member(j, "reason", r.reason);
  read_member(j, "advice", r.advice);
  read_member(j, "blocks", r.blocks);
  read_member(j, "budget_s", r.budget_s);
  read_member(j, "elapsed_s", r.elapsed_s);
  read_member(j, "stopped_by", r.stopped_by);
  read_member(j, "energy_from", r.energy_from);
  read_each(j, "sensitivities", r.sensitivities, sensitivity_of);
  read_each(j, "evidence", r.evidence, evidence_of);
  read_each(j, "knobs", r.knobs, knob_of);
  read_texts(j, "unavailable", r.unavailable);
  read_texts(j, "notes", r.notes);
  read_each(j, "runs", r.runs, run_of);
}

}  // namespace haywatt
