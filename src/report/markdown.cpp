#include <fmt/format.h>

#include <cmath>

#include "haywatt/metrics/pareto.hpp"
#include "haywatt/metrics/payback.hpp"
#include "haywatt/report/report.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"
#include "report/verdict.hpp"

namespace haywatt::report {
namespace {

using metrics::Metric;
using metrics::Summary;
using metrics::SummaryRow;

std::string cell(const Metric& m) {
  if (!m.value) return "unknown";
  std::string text = with_interval(*m.value);
  if (m.to_baseline) text += ", " + times(*m.to_baseline);
  return text;
}

std::string error_words(const SummaryRow& row) {
  if (!row.error_over_bound && !row.error_over_range) return "unknown";
  if (row.error_over_bound && *row.error_over_bound == 0.0) return "exact";
  std::string text = row.error_over_bound ? digits(*row.error_over_bound) + " of bound" : "no bound";
  if (row.error_over_range) text += fmt::format(", {} % of range", digits(*row.error_over_range * 100.0));
  return text;
}

std::string methods_table(const Summary& summary) {
  std::string text =
      "| method | bound | size | raw ÷ file | largest error | speed in | speed out | peak memory | energy per GB, "
      "marginal | energy per GB, attributed | payback |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  for (const SummaryRow& row : summary.rows) {
    text += fmt::format("| {} | {} |", escape_markdown(row.method), escape_markdown(row.bound));
    if (!row.ok()) {
      text += fmt::format(" failed: {} | | | | | | | | |\n", escape_markdown(row.reason));
      continue;
    }
    text += fmt::format(" {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", cell(row.bytes_per_row), cell(row.factor),
                        error_words(row), cell(row.in_speed), cell(row.out_speed), cell(row.peak_memory),
                        cell(row.marginal), cell(row.attributed),
                        escape_markdown(payback_text(metrics::payback_against_raw(row))));
  }
  return text;
}

std::string machine_lines(const StudyRecord& study) {
  const Machine& m = study.machine;
  std::string text = fmt::format("- {}, {} logical CPUs ({:g} allowed), {} memory{}\n", escape_markdown(m.cpu_name),
                                 m.logical_cpus, m.cpu_quota, quantity(static_cast<double>(m.memory_B), "B"),
                                 m.virtual_machine ? ", virtual machine " + escape_markdown(m.hypervisor) : "");
  text += fmt::format("- {}; {}\n- Haywatt {}", escape_markdown(m.distribution), escape_markdown(m.kernel),
                      escape_markdown(study.haywatt_version));
  for (const auto& [library, version] : m.libraries)
    text += fmt::format("; {} {}", escape_markdown(library), escape_markdown(version));
  return text + "\n";
}

}  // namespace

std::string to_markdown(const StudyRecord& study) {
  const Summary summary = metrics::summarise(study);
  std::string text = fmt::format("# {}\n\n{}\n\n## Verdict\n\n", escape_markdown(study.title),
                                 escape_markdown(subject_line(study, summary)));
  for (const std::string& paragraph : make_verdict(summary).paragraphs()) text += escape_markdown(paragraph) + "\n\n";
  text += escape_markdown(energy_sentence_plain(summary.basis)) + "\n\n## Methods and bounds\n\n";
  if (const SummaryRow* base = summary.baseline_row())
    text += fmt::format("Medians with 95 % intervals; × is the ratio to {} ({}), computed jointly.\n\n",
                        escape_markdown(base->method), escape_markdown(base->bound));
  text += methods_table(summary) + "\n## Machine\n\n" + machine_lines(study) + "\n## How to repeat it\n\n" +
          markdown_block(study.command);
  bool heading = false;
  for (const SummaryRow& row : summary.rows) {
    if (row.failed_runs == 0) continue;
    if (!heading) text += "\n## Failures\n\n";
    heading = true;
    text += fmt::format("- {} at {}: {}\n", escape_markdown(row.method), escape_markdown(row.bound),
                        escape_markdown(row.reason));
  }
  return text;
}

}  // namespace haywatt::report
