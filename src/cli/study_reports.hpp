/// What the commands study and report share: a study's documents and its table for the terminal.
#pragma once
#include <string>

#include "haywatt/record/record.hpp"
#include "haywatt/report/attachments.hpp"

namespace haywatt::cli {

/// Writes metrics.json, report.md and report.html into `folder`, each atomically.
void write_reports(const std::string& folder, const StudyRecord& study);
[[nodiscard]] bool has_reports(const std::string& folder);
/// "html", "md" or "json"; Error(Usage) for another format.
[[nodiscard]] std::string render_report(const StudyRecord& study, const std::string& format,
                                        const report::Attachments& attachments = {});
/// The records profile-*.json and bottleneck-*.json in the folder, for its page; at most 8 of each kind and 64 MB each.
/// A damaged one is passed over with a warning.
[[nodiscard]] report::Attachments find_attachments(const std::string& folder);
/// method, bound, B/row, ratio, MB/s in and out, J/GB; a failed method with its reason.
[[nodiscard]] std::string result_table(const StudyRecord& study);

}  // namespace haywatt::cli
