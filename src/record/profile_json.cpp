#include "haywatt/record/profile.hpp"
#include "record/json_fields.hpp"
#include "record/series_json.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::number;
using record::utf8;

template <class T, class ToJson>
json list_of(const std::vector<T>& items, ToJson to_json) {
  json list = json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

/// A count or amount, or null if it is not known.
json known(double x) { return x < 0.0 ? json(nullptr) : number(x); }

json operator_json(const OperatorRecord& o) {
  return {{"phase", utf8(o.phase)},
          {"layer", utf8(o.layer)},
          {"name", utf8(o.name)},
          {"dtype", utf8(o.dtype)},
          {"calls", o.calls},
          {"wall_s", known(o.wall_s)},
          {"cpu_s", number(o.cpu_s)},
          {"device_s", number(o.device_s)},
          {"macs", known(o.macs)},
          {"flops", known(o.flops)},
          {"read_B", known(o.read_B)},
          {"written_B", known(o.written_B)},
          {"parameters", known(o.parameters)},
          {"allocated_B", number(o.allocated_B)},
          {"energy", o.energy}};
}

/// Long lists as one array a member.
json timeline_json(const std::vector<TimelineEvent>& events) {
  json thread = json::array(), op = json::array(), start = json::array(), end = json::array();
  for (const TimelineEvent& e : events) {
    thread.push_back(e.thread);
    op.push_back(e.op);
    start.push_back(number(e.start_s));
    end.push_back(number(e.end_s));
  }
  return {{"thread", std::move(thread)},
          {"operator", std::move(op)},
          {"start_s", std::move(start)},
          {"end_s", std::move(end)}};
}

json frame_json(const FrameRecord& f) {
  json j = {{"function", utf8(f.function)}, {"module", utf8(f.module)}};
  if (!f.file.empty()) j["file"] = utf8(f.file);
  if (f.line > 0) j["line"] = f.line;
  return j;
}

json stacks_json(const StackProfile& s) {
  json parent = json::array(), frame = json::array(), samples = json::array(), self = json::array();
  for (const StackNode& n : s.nodes) {
    parent.push_back(n.parent);
    frame.push_back(n.frame);
    samples.push_back(n.samples);
    self.push_back(number(n.self_s));
  }
  return {{"by", utf8(s.by)},
          {"clock", utf8(s.clock)},
          {"period_s", number(s.period_s)},
          {"samples", s.samples},
          {"lost", s.lost},
          {"frames", list_of(s.frames, frame_json)},
          {"nodes",
           {{"parent", std::move(parent)},
            {"frame", std::move(frame)},
            {"samples", std::move(samples)},
            {"self_s", std::move(self)}}}};
}

}  // namespace

void to_json(json& j, const ProfileRecord& r) {
  j = {{"schema", "haywatt-profile/1"},
       {"haywatt_version", utf8(r.haywatt_version)},
       {"subject", utf8(r.subject)},
       {"by", utf8(r.by)},
       {"run", r.run},
       {"machine", r.machine},
       {"operators", list_of(r.operators, operator_json)},
       {"timeline", timeline_json(r.timeline)},
       {"timeline_left_out", r.timeline_left_out},
       {"compute_peaks",
        list_of(r.compute_peaks,
                [](const ComputePeak& p) {
                  return json{{"dtype", utf8(p.dtype)}, {"threads", p.threads}, {"flops_per_s", number(p.flops_per_s)}};
                })},
       {"memory_peaks", list_of(r.memory_peaks,
                                [](const MemoryPeak& p) {
                                  return json{{"level", utf8(p.level)},
                                              {"threads", p.threads},
                                              {"size_B", number(p.size_B)},
                                              {"bytes_per_s", number(p.bytes_per_s)}};
                                })},
       {"stacks", r.stacks.nodes.empty() && r.stacks.by.empty() ? json(nullptr) : stacks_json(r.stacks)},
       {"profiler_cpu_s", known(r.profiler_cpu_s)},
       {"notes", record::texts_json(r.notes)}};
}

}  // namespace haywatt
