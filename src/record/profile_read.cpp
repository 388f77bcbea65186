// Reading what profile_json.cpp writes.
#include "haywatt/base/error.hpp"
#include "haywatt/record/profile.hpp"
#include "record/json_fields.hpp"
#include "record/series_json.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::array_member;
using record::read_member;

/// A count or amount; null and absent are "not known".
void read_known(const json& j, const char* name, double& out) {
  out = -1.0;
  if (const auto it = j.find(name); it != j.end() && !it->is_null()) record::read_value(*it, name, out);
}

OperatorRecord operator_from(const json& j) {
  record::expect_object(j, "operator");
  OperatorRecord o;
  read_member(j, "phase", o.phase);
  read_member(j, "layer", o.layer);
  read_member(j, "name", o.name);
  read_member(j, "dtype", o.dtype);
  read_member(j, "calls", o.calls);
  read_known(j, "wall_s", o.wall_s);
  read_member(j, "cpu_s", o.cpu_s);
  read_member(j, "device_s", o.device_s);
  read_known(j, "macs", o.macs);
  read_known(j, "flops", o.flops);
  read_known(j, "read_B", o.read_B);
  read_known(j, "written_B", o.written_B);
  read_known(j, "parameters", o.parameters);
  read_member(j, "allocated_B", o.allocated_B);
  record::read_list(j, "energy", o.energy);
  return o;
}

const json& column(const json& table, const char* name, std::size_t rows) {
  const json& array = array_member(table, name);
  if (array.size() != rows) fail_input(std::string("record: \"") + name + "\" has another length than the rest");
  return array;
}

std::uint64_t index_below(const json& value, const char* name, std::size_t count) {
  std::uint64_t index = 0;
  record::read_value(value, name, index);
  if (index >= count) fail_input(std::string("record: \"") + name + "\" names what is not there");
  return index;
}

std::vector<TimelineEvent> timeline_from(const json& j, std::size_t operators) {
  const std::size_t rows = array_member(j, "thread").size();
  const json &thread = column(j, "thread", rows), &op = column(j, "operator", rows);
  const json &start = column(j, "start_s", rows), &end = column(j, "end_s", rows);
  std::vector<TimelineEvent> events(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    record::read_value(thread[i], "thread", events[i].thread);
    events[i].op = static_cast<std::uint32_t>(index_below(op[i], "operator", operators));
    record::read_value(start[i], "start_s", events[i].start_s);
    record::read_value(end[i], "end_s", events[i].end_s);
  }
  return events;
}

FrameRecord frame_from(const json& j) {
  record::expect_object(j, "frame");
  FrameRecord f;
  read_member(j, "function", f.function);
  read_member(j, "module", f.module);
  read_member(j, "file", f.file);
  read_member(j, "line", f.line);
  return f;
}

StackProfile stacks_from(const json& j) {
  record::expect_object(j, "stacks");
  StackProfile s;
  read_member(j, "by", s.by);
  read_member(j, "clock", s.clock);
  read_member(j, "period_s", s.period_s);
  read_member(j, "samples", s.samples);
  read_member(j, "lost", s.lost);
  for (const json& frame : array_member(j, "frames")) s.frames.push_back(frame_from(frame));
  const json& nodes = record::object_member(j, "nodes");
  const std::size_t rows = array_member(nodes, "parent").size();
  const json &parent = column(nodes, "parent", rows), &frame = column(nodes, "frame", rows);
  const json &samples = column(nodes, "samples", rows), &self = column(nodes, "self_s", rows);
  s.nodes.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    // A parent comes before its children, so nobody who follows them can be led in a circle.
    int up = -1;
    record::read_value(parent[i], "parent", up);
    if (up < -1 || up >= static_cast<int>(i)) fail_input("record: a node of \"stacks\" comes before its parent");
    s.nodes[i].parent = up;
    s.nodes[i].frame = static_cast<std::uint32_t>(index_below(frame[i], "frame", s.frames.size()));
    record::read_value(samples[i], "samples", s.nodes[i].samples);
    record::read_value(self[i], "self_s", s.nodes[i].self_s);
  }
  return s;
}

}  // namespace

void from_json(const json& j, ProfileRecord& r) {
  record::expect_object(j, "profile");
  r = ProfileRecord{};
  if (const auto it = j.find("schema"); it == j.end() || *it != "haywatt-profile/1")
    fail_input("record: not a profile of this version (\"schema\" is not \"haywatt-profile/1\")");
  read_member(j, "haywatt_version", r.haywatt_version);
  read_member(j, "subject", r.subject);
  read_member(j, "by", r.by);
  if (j.contains("run")) j["run"].get_to(r.run);
  if (j.contains("machine")) j["machine"].get_to(r.machine);
  for (const json& item : array_member(j, "operators")) r.operators.push_back(operator_from(item));
  if (j.contains("timeline")) r.timeline = timeline_from(record::object_member(j, "timeline"), r.operators.size());
  read_member(j, "timeline_left_out", r.timeline_left_out);
  for (const json& item : array_member(j, "compute_peaks")) {
    record::expect_object(item, "compute_peaks");
    ComputePeak& p = r.compute_peaks.emplace_back();
    read_member(item, "dtype", p.dtype);
    read_member(item, "threads", p.threads);
    read_member(item, "flops_per_s", p.flops_per_s);
  }
  for (const json& item : array_member(j, "memory_peaks")) {
    record::expect_object(item, "memory_peaks");
    MemoryPeak& p = r.memory_peaks.emplace_back();
    read_member(item, "level", p.level);
    read_member(item, "threads", p.threads);
    read_member(item, "size_B", p.size_B);
    read_member(item, "bytes_per_s", p.bytes_per_s);
  }
  if (const auto it = j.find("stacks"); it != j.end() && !it->is_null()) r.stacks = stacks_from(*it);
  read_known(j, "profiler_cpu_s", r.profiler_cpu_s);
  record::read_texts(j, "notes", r.notes);
}

}  // namespace haywatt
