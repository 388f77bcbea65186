#include "haywatt/record/record.hpp"
#include "record/json_fields.hpp"
#include "record/series_json.hpp"
#include "record/tree_json.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::number;
using record::read_member;
using record::utf8;

constexpr const char* record_schema = "haywatt-record/1";

void check_schema(const json& j) {
  std::string schema = record_schema;
  read_member(j, "schema", schema);
  if (schema != record_schema)
    fail_input("record: schema \"" + schema + "\" is not \"" + record_schema + "\"; it needs another haywatt");
}

json histogram_json(const Histogram& h) {
  return {{"low", number(h.low)},
          {"high", number(h.high)},
          {"counts", record::numbers_json(h.counts)},
          {"outside", number(h.outside)}};
}

void read_histogram(const json& parent, const char* name, Histogram& h) {
  const json& j = record::object_member(parent, name);
  read_member(j, "low", h.low);
  read_member(j, "high", h.high);
  read_member(j, "outside", h.outside);
  h.counts = record::numbers(record::array_member(j, "counts"), "counts");
}

}  // namespace

const PhaseRecord* RunRecord::phase(const std::string& name) const {
  for (const PhaseRecord& p : phases)
    if (p.name == name) return &p;
  return nullptr;
}

void to_json(json& j, const PhaseRecord& p) {
  j = {{"name", utf8(p.name)}, {"wall_s", number(p.wall_s)}, {"cpu_s", number(p.cpu_s)}, {"energy", p.energy}};
}

void from_json(const json& j, PhaseRecord& p) {
  record::expect_object(j, "phase");
  p = PhaseRecord{};
  read_member(j, "name", p.name);
  read_member(j, "wall_s", p.wall_s);
  read_member(j, "cpu_s", p.cpu_s);
  record::read_list(j, "energy", p.energy);
}

void to_json(json& j, const ColumnFidelity& c) {
  j = {{"name", utf8(c.name)},
       {"dtype", utf8(c.dtype)},
       {"bound", utf8(c.bound)},
       {"epsilon", number(c.epsilon)},
       {"minimum", number(c.minimum)},
       {"maximum", number(c.maximum)},
       {"max_abs_error", number(c.max_abs_error)},
       {"max_rel_error", number(c.max_rel_error)},
       {"rms_error", number(c.rms_error)},
       {"exact_share", number(c.exact_share)},
       {"violations", c.violations},
       {"compressed_B", c.compressed_B},
       {"original", histogram_json(c.original)},
       {"decoded", histogram_json(c.decoded)},
       {"error", histogram_json(c.error)}};
}

void from_json(const json& j, ColumnFidelity& c) {
  record::expect_object(j, "column");
  c = ColumnFidelity{};
  read_member(j, "name", c.name);
  read_member(j, "dtype", c.dtype);
  read_member(j, "bound", c.bound);
  read_member(j, "epsilon", c.epsilon);
  read_member(j, "minimum", c.minimum);
  read_member(j, "maximum", c.maximum);
  read_member(j, "max_abs_error", c.max_abs_error);
  read_member(j, "max_rel_error", c.max_rel_error);
  read_member(j, "rms_error", c.rms_error);
  read_member(j, "exact_share", c.exact_share);
  read_member(j, "violations", c.violations);
  read_member(j, "compressed_B", c.compressed_B);
  read_histogram(j, "original", c.original);
  read_histogram(j, "decoded", c.decoded);
  read_histogram(j, "error", c.error);
}

void to_json(json& j, const RunRecord& r) {
  json counts = json::object();
  for (const auto& [name, value] : r.counts) counts[utf8(name)] = number(value);
  j = {{"schema", record_schema},
       {"id", utf8(r.id)},
       {"label", utf8(r.label)},
       {"method", utf8(r.method)},
       {"method_version", utf8(r.method_version)},
       {"bound", utf8(r.bound)},
       {"data", utf8(r.data)},
       {"data_xxh3", utf8(r.data_xxh3)},
       {"threads", r.threads},
       {"repeat", r.repeat},
       {"started", utf8(r.started)},
       {"status", utf8(r.status)},
       {"reason", utf8(r.reason)},
       {"rows", r.rows},
       {"columns", r.columns},
       {"raw_B", r.raw_B},
       {"compressed_B", r.compressed_B},
       {"model_B", r.model_B},
       {"wall_s", number(r.wall_s)},
       {"cpu_s", number(r.cpu_s)},
       {"rss_peak_B", r.rss_peak_B},
       {"rss_start_B", r.rss_start_B},
       {"read_B", r.read_B},
       {"written_B", r.written_B},
       {"sampler_cpu_s", number(r.sampler_cpu_s)},
       {"counts", counts},
       {"energy", r.energy},
       {"phases", r.phases},
       {"spans", record::spans_json(r.spans)},
       {"samples", record::samples_json(r.samples)},
       {"fidelity", r.fidelity},
       {"warnings", record::texts_json(r.warnings)}};
  if (!r.power.empty()) j["power"] = record::power_json(r.power);
  if (r.tree) j["tree"] = record::tree_json(*r.tree);
}

void from_json(const json& j, RunRecord& r) {
  record::expect_object(j, "run");
  check_schema(j);
  r = RunRecord{};
  read_member(j, "id", r.id);
  read_member(j, "label", r.label);
  read_member(j, "method", r.method);
  read_member(j, "method_version", r.method_version);
  read_member(j, "bound", r.bound);
  read_member(j, "data", r.data);
  read_member(j, "data_xxh3", r.data_xxh3);
  read_member(j, "threads", r.threads);
  read_member(j, "repeat", r.repeat);
  read_member(j, "started", r.started);
  read_member(j, "status", r.status);
  read_member(j, "reason", r.reason);
  read_member(j, "rows", r.rows);
  read_member(j, "columns", r.columns);
  read_member(j, "raw_B", r.raw_B);
  read_member(j, "compressed_B", r.compressed_B);
  read_member(j, "model_B", r.model_B);
  read_member(j, "wall_s", r.wall_s);
  read_member(j, "cpu_s", r.cpu_s);
  read_member(j, "rss_peak_B", r.rss_peak_B);
  read_member(j, "rss_start_B", r.rss_start_B);
  read_member(j, "read_B", r.read_B);
  read_member(j, "written_B", r.written_B);
  read_member(j, "sampler_cpu_s", r.sampler_cpu_s);
  for (const auto& [name, value] : record::object_member(j, "counts").items())
    record::read_value(value, name.c_str(), r.counts[name]);
  record::read_list(j, "energy", r.energy);
  record::read_list(j, "phases", r.phases);
  record::read_spans(j, r.spans);
  record::read_samples(j, r.samples);
  record::read_power(j, r.power);
  record::read_tree(j, r.tree);
  record::read_list(j, "fidelity", r.fidelity);
  record::read_texts(j, "warnings", r.warnings);
}

void to_json(json& j, const StudyRecord& r) {
  j = {{"schema", record_schema},
       {"title", utf8(r.title)},
       {"command", utf8(r.command)},
       {"plan_toml", utf8(r.plan_toml)},
       {"started", utf8(r.started)},
       {"finished", utf8(r.finished)},
       {"haywatt_version", utf8(r.haywatt_version)},
       {"machine", r.machine},
       {"runs", r.runs}};
}

void from_json(const json& j, StudyRecord& r) {
  record::expect_object(j, "study");
  check_schema(j);
  r = StudyRecord{};
  read_member(j, "title", r.title);
  read_member(j, "command", r.command);
  read_member(j, "plan_toml", r.plan_toml);
  read_member(j, "started", r.started);
  read_member(j, "finished", r.finished);
  read_member(j, "haywatt_version", r.haywatt_version);
  if (j.contains("machine")) j["machine"].get_to(r.machine);
  record::read_list(j, "runs", r.runs);
}

void to_json(json& j, const ProgramRecord& r) {
  j = r.run;
  j["machine"] = r.machine;
  j["haywatt_version"] = utf8(r.haywatt_version);
}

void from_json(const json& j, ProgramRecord& r) {
  j.get_to(r.run);
  read_member(j, "haywatt_version", r.haywatt_version);
  r.machine = Machine{};
  if (j.contains("machine")) j["machine"].get_to(r.machine);
}

}  // namespace haywatt
