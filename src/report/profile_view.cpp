#include "report/profile_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "haywatt/base/text.hpp"
#include "haywatt/metrics/summary.hpp"

namespace haywatt::report {
namespace {

const EnergyFigure* attributed(const std::vector<EnergyFigure>& figures, const metrics::EnergyBasis& basis) {
  for (const EnergyFigure& e : figures)
    if (e.known && e.sensor == basis.sensor && e.boundary == basis.boundary && e.tier == basis.tier &&
        e.rule == "attributed" && e.share != "machine")
      return &e;
  return nullptr;
}

std::string full_name(const OperatorRecord& o) {
  std::string name = o.phase;
  for (const std::string* part : {&o.layer, &o.name, &o.dtype})
    if (!part->empty()) name += (part == &o.dtype ? " " : "  ") + *part;
  return name;
}

std::string peaks_of(const ProfileRecord& record) {
  std::string text;
  const auto add = [&text](const std::string& name, double value, const char* unit) {
    text += (text.empty() ? "" : ", ") + name + " " + si(value, unit);
  };
  for (const ComputePeak& p : record.compute_peaks)
    if (p.threads == 1) add(p.dtype, p.flops_per_s, "FLOP/s");
  for (const MemoryPeak& p : record.memory_peaks)
    if (p.threads == 1) add(p.level, p.bytes_per_s, "B/s");
  return text.empty() ? text : text + " (one thread, measured after the run)";
}

}  // namespace

double ProfileView::share_beyond(std::size_t first) const {
  double share = 0.0;
  for (std::size_t i = first; i < rows.size(); ++i) share += rows[i].cpu_share;
  return share;
}

ProfileView profile_view(const ProfileRecord& record) {
  ProfileView view;
  const metrics::EnergyBasis basis = metrics::choose_energy_basis(record.run);
  for (const OperatorRecord& o : record.operators) {
    ProfileRow& row = view.rows.emplace_back();
    row.op = &o;
    row.name = full_name(o);
    row.cpu_share = record.run.cpu_s > 0.0 ? o.cpu_s / record.run.cpu_s : 0.0;
    row.roof = metrics::roofline_position(o, record.compute_peaks, record.memory_peaks);
    if (basis.known) row.joules = attributed(o.energy, basis);
  }
  std::stable_sort(view.rows.begin(), view.rows.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.op->cpu_s > b.op->cpu_s; });
  if (const EnergyFigure* all = basis.known ? attributed(record.run.energy, basis) : nullptr; all != nullptr)
    view.energy_text =
        fmt::format(", {} attributed ({} to {}; {}{}, {})", si(all->joules.value, "J"), si(all->joules.low, "J"),
                    si(all->joules.high, "J"), all->sensor, all->tier.empty() ? "" : " " + all->tier, all->boundary);
  view.peaks_text = peaks_of(record);
  return view;
}

}  // namespace haywatt::report
