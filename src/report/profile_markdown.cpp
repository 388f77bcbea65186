#include <fmt/format.h>

#include <algorithm>

#include "haywatt/base/text.hpp"
#include "haywatt/metrics/code_costs.hpp"
#include "haywatt/report/report.hpp"
#include "report/profile_view.hpp"
#include "report/profile_words.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

constexpr std::size_t rows_at_most = 60;

std::string known(double value, const char* unit) { return value > 0.0 ? si(value, unit) : std::string("–"); }

std::string operators_markdown(const ProfileView& view) {
  std::string text =
      "| phase | layer | operator | calls | CPU | share | MACs | parameters | bytes | FLOP/s | FLOP/B | of its roof | "
      "J "
      "|\n| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n";
  for (std::size_t i = 0; i < std::min(view.rows.size(), rows_at_most); ++i) {
    const ProfileRow& r = view.rows[i];
    const OperatorRecord& o = *r.op;
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {:.1f} % | {} | {} | {} | {} | {} | {} | {} |\n", escape_markdown(o.phase),
        escape_markdown(o.layer), escape_markdown(o.dtype.empty() ? o.name : o.name + " " + o.dtype),
        o.calls == 0 ? "–" : count(o.calls), quantity(o.cpu_s, "s"), 100.0 * r.cpu_share, known(o.macs, ""),
        known(o.parameters, ""), known(o.read_B + o.written_B, "B"), r.roof ? si(r.roof->flops_per_s, "FLOP/s") : "–",
        r.roof ? digits(r.roof->flops_per_B) : "–",
        r.roof ? fmt::format("{:.0f} % {}", 100.0 * r.roof->share, r.roof->compute_bound ? "compute" : r.roof->level)
               : "–",
        r.joules == nullptr ? "unknown" : with_interval(r.joules->joules));
  }
  if (view.rows.size() > rows_at_most)
    text += fmt::format("\n{} more with {:.1f} % of the CPU time.\n", view.rows.size() - rows_at_most,
                        100.0 * view.share_beyond(rows_at_most));
  return text;
}

std::string functions_markdown(const StackProfile& stacks) {
  const double all_s = metrics::sampled_s(stacks);
  const auto functions = metrics::function_costs(stacks);
  if (functions.empty() || !(all_s > 0.0)) return {};
  std::string text =
      "\n## Functions\n\n| function | module | itself | share | with calls |\n| --- | --- | --: | --: | --: |\n";
  for (std::size_t i = 0; i < std::min(functions.size(), rows_at_most); ++i)
    text += fmt::format("| {} | {} | {} | {:.1f} % | {} |\n", escape_markdown(functions[i].function),
                        escape_markdown(functions[i].module), quantity(functions[i].self_s, "s"),
                        100.0 * functions[i].self_s / all_s, quantity(functions[i].total_s, "s"));
  return text;
}

}  // namespace

std::string to_markdown(const ProfileRecord& record) {
  const ProfileView view = profile_view(record);
  std::string text = fmt::format("# Profile: {}\n\n", escape_markdown(record.subject));
  for (const auto& [term, sentence] : profile_headline(record, view))
    text += fmt::format("- **{}**: {}\n", escape_markdown(term), escape_markdown(sentence));
  if (!view.rows.empty()) {
    text += "\n## Operators and layers\n\n" + operators_markdown(view) + "\n";
    if (!view.peaks_text.empty()) text += escape_markdown("Roofs: " + view.peaks_text) + "\n";
  }
  if (record.by == "sampling") text += functions_markdown(record.stacks);
  text += "\n## Notes\n\n";
  for (const std::string& note : record.notes) text += "- " + escape_markdown(note) + "\n";
  for (const std::string& words : operator_column_words())
    if (!view.rows.empty()) text += "- " + escape_markdown(words) + "\n";
  return text;
}

}  // namespace haywatt::report
