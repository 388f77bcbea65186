#include "report/layouts_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "haywatt/report/report.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

struct Equal {
  std::uint64_t cases = 0, bits = 0;
  double largest = 0.0;
};

Equal equality_of(const LayoutsRecord& r) {
  Equal e;
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      for (const LayoutCase& c : n.cases) {
        ++e.cases;
        e.bits += c.bit_equal ? 1 : 0;
        e.largest = c.largest_difference <= e.largest ? e.largest : c.largest_difference;
      }
  return e;
}

/// Rows of the table "pays" in which the quantity has widths, as one sentence.
std::string pays_sentence(const LayoutsRecord& r, bool extrapolated, LayoutPaysIn LayoutPays::*in, const char* less) {
  std::uint64_t rows = 0, paying = 0;
  const LayoutPays* best = nullptr;
  for (const LayoutPays& p : r.pays) {
    if (p.extrapolated != extrapolated) continue;
    ++rows;
    if (!(p.*in).widths.empty()) ++paying;
    if (best == nullptr || (p.*in).gain > (best->*in).gain) best = &p;
  }
  if (best == nullptr) return "";
  const LayoutPaysIn& b = best->*in;
  return fmt::format(
      "{} {} of {} pairs of network and batch a model-parallel layout {} than one process and than split rows at some "
      "width; its best is {} at {}, batch {}, {}: ×{}.",
      extrapolated ? fmt::format("Extrapolated to {} to {} ranks, in", 2, 8) : "Measured, in", paying, rows, less,
      b.layout, width_words(b.width), best->batch, best->network, digits(b.gain));
}

}  // namespace

std::string width_words(std::uint64_t widen) { return fmt::format("×{}", widen); }

std::string deviation_words(double d) { return std::isfinite(d) ? fmt::format("{:+.0f} %", 100.0 * d) : "–"; }

std::string pays_words(const LayoutPaysIn& p) {
  if (p.layout.empty()) return "–";
  std::string widths;
  for (const std::uint64_t w : p.widths) widths += (widths.empty() ? "" : ", ") + width_words(w);
  if (widths.empty())
    return fmt::format("none (nearest: {}, ×{} at {})", p.layout, digits(p.gain), width_words(p.width));
  return fmt::format("{} (best: {}, ×{} at {})", widths, p.layout, digits(p.gain), width_words(p.width));
}

std::string link_words(const std::vector<LayoutLinkLine>& lines) {
  if (lines.empty()) return "–";
  return fmt::format("{} + {} ns/B", quantity(lines.front().alpha_s, "s"), digits(1e9 * lines.back().beta_s_per_B));
}

std::vector<std::pair<std::string, std::vector<std::string>>> layouts_headline(const LayoutsRecord& r) {
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  const auto per_cent = [](double d) { return fmt::format("{:.0f} %", 100.0 * d); };
  out.push_back(
      {"Forecast",
       {fmt::format("Of {} cases, the time of {} was predicted within 20 %, the CPU time (and with it the energy) "
                    "of {}.",
                    r.cases, r.within_20_percent, r.energy_within_20_percent),
        fmt::format("Time: median deviation {}, largest {}. Energy: {} and {}.", per_cent(r.median_time_deviation),
                    per_cent(r.worst_time_deviation), per_cent(r.median_energy_deviation),
                    per_cent(r.worst_energy_deviation))}});
  const Equal e = equality_of(r);
  out.push_back(
      {"Equality",
       {fmt::format("{} of {} cases gave the bits of one process that works through the rows in the same parts; "
                    "the largest difference from one process with the whole batch is {} of its largest output.",
                    e.bits, e.cases, digits(e.largest))}});
  for (const bool extrapolated : {false, true}) {
    std::vector<std::string> time, energy;
    if (std::string s = pays_sentence(r, extrapolated, &LayoutPays::time, "is faster"); !s.empty()) time.push_back(s);
    if (std::string s = pays_sentence(r, extrapolated, &LayoutPays::energy, "uses less energy"); !s.empty())
      energy.push_back(s);
    if (!time.empty()) out.push_back({extrapolated ? "Beyond" : "Time", time});
    if (!energy.empty() && !extrapolated) out.push_back({"Energy", energy});
    if (!energy.empty() && extrapolated) out.back().second.push_back(energy.front());
  }
  if (!r.parts.empty()) {
    const LayoutPart& widest = r.parts.back();
    // All but a thousandth of the weights of a wide network lie between hidden layers, so they grow with the square.
    const double unit_B = static_cast<double>(widest.weights_B) / static_cast<double>(widest.widen * widest.widen);
    const auto width_of = [&](double gibibytes) { return std::floor(std::sqrt(gibibytes * 0x1p30 / unit_B)); };
    std::vector<std::string> memory = {fmt::format(
        "At {} the weights are {}; one process and split rows hold all of them on every rank, model-parallel "
        "layouts one of {} parts.",
        width_words(widest.widen), quantity(static_cast<double>(widest.weights_B), "B"), r.ranks)};
    if (widest.widen >= 16)
      memory.push_back(
          fmt::format("Extrapolated: where a rank has 16 GiB, only model-parallel layouts are possible beyond "
                      "about ×{:.0f}; with 80 GiB beyond about ×{:.0f}.",
                      width_of(16.0), width_of(80.0)));
    out.push_back({"Memory", std::move(memory)});
  }
  return out;
}

std::string layouts_summary(const LayoutsRecord& r) {
  std::string text;
  for (const auto& [term, sentences] : layouts_headline(r))
    for (const std::string& s : sentences) text += fmt::format("{:<11} {}\n", term, s);
  for (const std::string& n : r.notes) text += fmt::format("{:<11} {}\n", "Note", n);
  return text;
}

}  // namespace haywatt::report
