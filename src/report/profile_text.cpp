// A profile's operators for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "haywatt/base/text.hpp"
#include "haywatt/report/report.hpp"
#include "report/profile_view.hpp"

namespace haywatt::report {
namespace {

constexpr std::size_t widest_name = 54;

std::string shortened(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

std::string amount(double value, const char* unit) { return value <= 0.0 ? std::string("-") : si(value, unit); }

}  // namespace

std::string operator_summary(const ProfileRecord& record, std::size_t most) {
  const ProfileView view = profile_view(record);
  std::string out =
      fmt::format("{}: {} wall, {} CPU, {} resident at most{}\n", record.subject, si(record.run.wall_s, "s"),
                  si(record.run.cpu_s, "s"), si(static_cast<double>(record.run.rss_peak_B), "B"), view.energy_text);
  if (record.run.status != "ok") out += fmt::format("the run failed: {}\n", record.run.reason);
  if (view.rows.empty()) return out + "no operator was announced\n";
  std::size_t width = 8;
  for (std::size_t i = 0; i < std::min(most, view.rows.size()); ++i)
    width = std::max(width, std::min(view.rows[i].name.size(), widest_name));
  out += fmt::format("\n{:<{}} {:>9} {:>9} {:>6} {:>9} {:>10} {:>8}  {:<13} {:>9}\n", "operator", width, "calls", "CPU",
                     "share", "MACs", "FLOP/s", "FLOP/B", "of its roof", "joules");
  for (std::size_t i = 0; i < std::min(most, view.rows.size()); ++i) {
    const ProfileRow& r = view.rows[i];
    const OperatorRecord& o = *r.op;
    out += fmt::format(
        "{:<{}} {:>9} {:>9} {:>5.1f}% {:>9} {:>10} {:>8}  {:<13} {:>9}\n", shortened(r.name, width), width,
        o.calls == 0 ? "-" : std::to_string(o.calls), si(o.cpu_s, "s"), 100.0 * r.cpu_share, amount(o.macs, ""),
        r.roof ? si(r.roof->flops_per_s, "") : "-", r.roof ? fmt::format("{:.3g}", r.roof->flops_per_B) : "-",
        r.roof ? fmt::format("{:.0f} % {}", 100.0 * r.roof->share, r.roof->compute_bound ? "compute" : r.roof->level)
               : "-",
        r.joules ? si(r.joules->joules.value, "J") : "-");
  }
  if (view.rows.size() > most)
    out += fmt::format("… and {} more with {:.1f} % of the CPU time\n", view.rows.size() - most,
                       100.0 * view.share_beyond(most));
  if (!view.peaks_text.empty()) out += "\nroof: " + view.peaks_text + "\n";
  if (record.profiler_cpu_s >= 0.0 && record.run.cpu_s > 0.0)
    out += fmt::format("profiling itself: about {} CPU, {:.2g} % of the run\n", si(record.profiler_cpu_s, "s"),
                       100.0 * record.profiler_cpu_s / record.run.cpu_s);
  for (const std::string& note : record.notes) out += "· " + note + "\n";
  return out;
}

}  // namespace haywatt::report
