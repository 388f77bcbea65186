#include "record/tree_json.hpp"

#include "record/json_fields.hpp"
#include "record/series_json.hpp"

namespace haywatt::record {
namespace {

using nlohmann::json;

json process_json(const ProcessRecord& p) {
  return {{"pid", p.pid},
          {"parent", p.parent},
          {"name", utf8(p.name)},
          {"start_s", number(p.start_s)},
          {"end_s", number(p.end_s)},
          {"cpu_s", number(p.cpu_s)},
          {"rss_peak_B", p.rss_peak_B}};
}

void read_pid(const json& j, const char* name, std::int64_t& pid) {
  std::uint64_t value = 0;
  read_member(j, name, value);
  pid = static_cast<std::int64_t>(value);
}

ProcessRecord read_process(const json& j) {
  expect_object(j, "process");
  ProcessRecord p;
  read_pid(j, "pid", p.pid);
  read_pid(j, "parent", p.parent);
  read_member(j, "name", p.name);
  read_member(j, "start_s", p.start_s);
  read_member(j, "end_s", p.end_s);
  read_member(j, "cpu_s", p.cpu_s);
  read_member(j, "rss_peak_B", p.rss_peak_B);
  return p;
}

}  // namespace

json tree_json(const TreeRecord& t) {
  json processes = json::array();
  for (const ProcessRecord& p : t.processes) processes.push_back(process_json(p));
  return {{"command", texts_json(t.command)},
          {"exit_code", t.exit_code},
          {"signal", t.signal},
          {"counted_by", utf8(t.counted_by)},
          {"user_s", number(t.user_s)},
          {"system_s", number(t.system_s)},
          {"steal_s", number(t.steal_s)},
          {"start_up_s", number(t.start_up_s)},
          {"pss_peak_B", t.pss_peak_B},
          {"processes_seen", t.processes_seen},
          {"threads_peak", t.threads_peak},
          {"voluntary_switches", t.voluntary_switches},
          {"involuntary_switches", t.involuntary_switches},
          {"major_faults", t.major_faults},
          {"processes", processes}};
}

void read_tree(const json& parent, std::optional<TreeRecord>& tree) {
  tree.reset();
  if (!parent.contains("tree")) return;
  const json& j = object_member(parent, "tree");
  TreeRecord& t = tree.emplace();
  read_texts(j, "command", t.command);
  read_member(j, "exit_code", t.exit_code);
  read_member(j, "signal", t.signal);
  read_member(j, "counted_by", t.counted_by);
  read_member(j, "user_s", t.user_s);
  read_member(j, "system_s", t.system_s);
  read_member(j, "steal_s", t.steal_s);
  read_member(j, "start_up_s", t.start_up_s);
  read_member(j, "pss_peak_B", t.pss_peak_B);
  read_member(j, "processes_seen", t.processes_seen);
  read_member(j, "threads_peak", t.threads_peak);
  read_member(j, "voluntary_switches", t.voluntary_switches);
  read_member(j, "involuntary_switches", t.involuntary_switches);
  read_member(j, "major_faults", t.major_faults);
  for (const json& p : array_member(j, "processes")) t.processes.push_back(read_process(p));
}

}  // namespace haywatt::record
