// A ladder for a terminal, and the same tables as Markdown.
#include <fmt/format.h>

#include <algorithm>

#include "haywatt/report/report.hpp"
#include "report/ladder_view.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using Cells = std::vector<std::string>;

std::string ratio_cell(const LadderStep* step, const std::string& metric) {
  const ComparedMetric* m = metric_of(step, metric);
  if (m == nullptr) return "–";
  const std::string range = narrow_interval(m->ratio);
  return "×" + digits(m->ratio.value) + (range.empty() ? "" : " (" + range + ")");
}

std::string error_cell(const LadderRow& r) {
  if (r.check == nullptr || !r.check->max_error) return "–";
  return fmt::format("{}, {}", digits(100.0 * *r.check->max_error),
                     digits(100.0 * r.check->median_error.value_or(0.0)));
}

Cells head(bool joules) {
  Cells h = {"rung", "runs", "wall s", "work s"};
  if (joules) h.emplace_back("J");
  for (const char* name : {"MB", "time ÷ before", "work ÷ before", "energy ÷ before", "time ÷ first", "error %"})
    h.emplace_back(name);
  return h;
}

Cells cells(const LadderRow& r, bool joules) {
  Cells c = {(r.rung->side ? "+ " : "") + r.rung->id, std::to_string(r.runs), digits(r.wall.value),
             digits(r.work.value)};
  if (joules) c.push_back(r.joules ? digits(r.joules->value) : "–");
  c.push_back(digits(r.peak_B * 1e-6));
  c.push_back(ratio_cell(r.to_before, "time"));
  c.push_back(ratio_cell(r.to_before, "work"));
  c.push_back(ratio_cell(r.to_before, "energy"));
  c.push_back(ratio_cell(r.to_first, "time"));
  c.push_back(error_cell(r));
  return c;
}

/// Characters, not bytes.
std::size_t width(const std::string& s) {
  return static_cast<std::size_t>(std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string aligned(const std::vector<Cells>& table) {
  std::vector<std::size_t> widths;
  for (const Cells& row : table)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], width(row[i]));
    }
  std::string text;
  for (const Cells& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width(row[i]), ' ');
      text += i == 0 ? row[i] + gap : "  " + gap + row[i];
    }
    text += "\n";
  }
  return text;
}

std::string as_markdown(const std::vector<Cells>& table) {
  std::string text;
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (const std::string& cell : table[i]) text += "| " + escape_markdown(cell) + " ";
    text += "|\n";
    if (i > 0) continue;
    for (std::size_t k = 0; k < table[i].size(); ++k) text += k == 0 ? "|---" : "|--:";
    text += "|\n";
  }
  return text;
}

struct Part {
  std::string title;
  std::vector<Cells> table;
  std::vector<std::string> absent;
};

std::vector<Part> parts_of(const LadderRecord& record) {
  const bool joules = !joules_basis(record).empty();
  std::vector<Part> parts;
  for (const std::string& phase : record.phases)
    for (const std::uint64_t n : record.rows) {
      const auto rows = ladder_rows(record, phase, n);
      Part part{fmt::format("{}, {} rows", phase, count(n)), {head(joules)}, {}};
      for (const LadderRow& r : rows)
        if (r.absent.empty()) part.table.push_back(cells(r, joules));
      for (const auto& [reason, rungs] : absent_rungs(rows))
        if (any_figures(rows) || n == record.rows.front()) part.absent.push_back(join_words(rungs) + ": " + reason);
      if (any_figures(rows) || !part.absent.empty()) parts.push_back(std::move(part));
    }
  return parts;
}

std::string ended(const LadderRecord& r) {
  if (r.stopped_by == "budget") return "The budget is spent before all rounds were made: the same command goes on.";
  if (r.stopped_by == "interrupted") return "Interrupted: the same command goes on.";
  return {};
}

}  // namespace

std::string to_text(const LadderRecord& record) {
  std::string text = record.title + "\n";
  for (const Part& part : parts_of(record)) {
    text += "\n" + part.title + "\n";
    if (part.table.size() > 1) text += aligned(part.table);
    for (const std::string& line : part.absent) text += "not run: " + line + "\n";
  }
  text += "\n";
  if (const std::string basis = joules_basis(record); !basis.empty()) text += "J: " + basis + "\n";
  for (const std::string& note : record.notes) text += note + "\n";
  if (const std::string line = ended(record); !line.empty()) text += line + "\n";
  return text;
}

std::string to_markdown(const LadderRecord& record) {
  std::string text = "# " + escape_markdown(record.title) + "\n\n" + escape_markdown(record.about) + "\n";
  for (const Part& part : parts_of(record)) {
    text += "\n## " + escape_markdown(part.title) + "\n\n";
    if (part.table.size() > 1) text += as_markdown(part.table);
    for (const std::string& line : part.absent) text += "- not run: " + escape_markdown(line) + "\n";
  }
  text += "\n";
  if (const std::string basis = joules_basis(record); !basis.empty()) text += "J: " + escape_markdown(basis) + ". ";
  text += "Work: wall time without " + join_words(record.overhead) +
          ". Ratios with their 95 % intervals. Error: largest and median, % of the range of the column.\n";
  for (const std::string& note : record.notes) text += "- " + escape_markdown(note) + "\n";
  if (const std::string line = ended(record); !line.empty()) text += "- " + line + "\n";
  return text;
}

}  // namespace haywatt::report
