#include "haywatt/trace/operator_exports.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "haywatt/metrics/roofline.hpp"
#include "haywatt/metrics/summary.hpp"

namespace haywatt::trace {
namespace {

using nlohmann::json;

constexpr int run_tid = 0;  // threads are numbered from 1

std::string cell(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// Empty for what is not known.
std::string known(double value) { return value < 0.0 ? std::string() : fmt::format("{:.9g}", value); }

std::string joules(const OperatorRecord& o, const metrics::EnergyBasis& basis) {
  for (const EnergyFigure& e : o.energy)
    if (e.known && e.sensor == basis.sensor && e.boundary == basis.boundary && e.tier == basis.tier &&
        e.rule == "attributed")
      return fmt::format("{:.6g},{:.6g},{:.6g}", e.joules.value, e.joules.low, e.joules.high);
  return ",,";
}

json slice(int tid, const std::string& category, const std::string& name, double start_s, double end_s) {
  return {{"ph", "X"},
          {"pid", 1},
          {"tid", tid},
          {"cat", category},
          {"name", name},
          {"ts", 1e6 * start_s},
          {"dur", 1e6 * std::max(0.0, end_s - start_s)}};
}

json name_of(int tid, const char* what, const std::string& name) {
  return {{"ph", "M"}, {"pid", 1}, {"tid", tid}, {"name", what}, {"args", {{"name", name}}}};
}

}  // namespace

std::string operators_to_csv(const ProfileRecord& record) {
  const metrics::EnergyBasis basis = metrics::choose_energy_basis(record.run);
  std::string out =
      "phase,layer,operator,dtype,calls,wall_s,cpu_s,device_s,macs,flops,parameters,read_B,written_B,allocated_B,"
      "flops_per_B,flops_per_s,roof_share,roof,attributed_J,attributed_low_J,attributed_high_J\r\n";
  for (const OperatorRecord& o : record.operators) {
    const auto roof = metrics::roofline_position(o, record.compute_peaks, record.memory_peaks);
    out += fmt::format("{},{},{},{},{},{},{:.9g},{:.9g},{},{},{},{},{},{:.9g},", cell(o.phase), cell(o.layer),
                       cell(o.name), cell(o.dtype), o.calls, known(o.wall_s), o.cpu_s, o.device_s, known(o.macs),
                       known(o.flops), known(o.parameters), known(o.read_B), known(o.written_B), o.allocated_B);
    if (roof)
      out += fmt::format("{:.6g},{:.6g},{:.6g},{},", roof->flops_per_B, roof->flops_per_s, roof->share,
                         roof->compute_bound ? "compute" : roof->level);
    else
      out += ",,,,";
    out += joules(o, basis) + "\r\n";
  }
  return out;
}

std::string operators_to_chrome_trace(const ProfileRecord& record) {
  json events = json::array({name_of(run_tid, "process_name", record.subject), name_of(run_tid, "thread_name", "run")});
  events.push_back(slice(run_tid, "run", record.subject, 0.0, record.run.wall_s));
  for (const SpanRecord& s : record.run.spans)
    events.push_back(slice(static_cast<int>(s.thread) + 100'000, "phase", s.phase, s.start_s, s.end_s));
  for (const TimelineEvent& e : record.timeline) {
    const OperatorRecord& o = record.operators[e.op];
    json event = slice(static_cast<int>(e.thread), "operator", o.layer.empty() ? o.name : o.layer + " " + o.name,
                       e.start_s, e.end_s);
    event["args"] = {{"phase", o.phase}, {"dtype", o.dtype}};
    events.push_back(std::move(event));
  }
  const json file = {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
  return file.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace haywatt::trace
