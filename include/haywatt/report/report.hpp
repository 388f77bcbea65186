/// Records to documents. Uses only records and metrics: everything a report shows is in the record.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "haywatt/metrics/grid.hpp"
#include "haywatt/record/bottleneck.hpp"
#include "haywatt/record/compare.hpp"
#include "haywatt/record/ladder.hpp"
#include "haywatt/record/layouts.hpp"
#include "haywatt/record/profile.hpp"
#include "haywatt/record/record.hpp"
#include "haywatt/report/attachments.hpp"

namespace haywatt::report {

/// One self-contained HTML page (no network, < 3 MB), light, dark and print.
[[nodiscard]] std::string to_html(const StudyRecord& study, const Attachments& attachments = {});
[[nodiscard]] std::string to_markdown(const StudyRecord& study);
/// metrics.json (schema "haywatt-metrics/1", docs/metrics-json.md): the summary table as data.
[[nodiscard]] nlohmann::json to_metrics(const StudyRecord& study);

/// What joules become grams with.
struct CarbonBasis {
  metrics::Grid grid = metrics::world_grid();
  metrics::Constant pue = metrics::power_usage_effectiveness();
};

/// The same of one metered program, under the same rules.
[[nodiscard]] std::string to_html(const ProgramRecord& record, const CarbonBasis& carbon = {});
[[nodiscard]] std::string to_markdown(const ProgramRecord& record, const CarbonBasis& carbon = {});
/// The summary as data, schema "haywatt-program/1" (docs/metrics-json.md).
[[nodiscard]] nlohmann::json to_summary(const ProgramRecord& record, const CarbonBasis& carbon = {});

/// A comparison (haywatt compare), under the same rules.
[[nodiscard]] std::string to_html(const ComparisonRecord& record);
[[nodiscard]] std::string to_markdown(const ComparisonRecord& record);

/// A search for a bottleneck (haywatt bottleneck), under the same rules.
[[nodiscard]] std::string to_html(const BottleneckRecord& record);
[[nodiscard]] std::string to_markdown(const BottleneckRecord& record);
/// The same in a few lines for a terminal.
[[nodiscard]] std::string to_text(const BottleneckRecord& record);

/// Layouts of a network over ranks (haywatt layouts), under the same rules.
[[nodiscard]] std::string to_html(const LayoutsRecord& record);
[[nodiscard]] std::string to_markdown(const LayoutsRecord& record);
/// The same in a few lines for a terminal.
[[nodiscard]] std::string layouts_summary(const LayoutsRecord& record);
/// A ladder (haywatt ladder), under the same rules.
[[nodiscard]] std::string to_html(const LadderRecord& record);
[[nodiscard]] std::string to_markdown(const LadderRecord& record);
/// The same for a terminal.
[[nodiscard]] std::string to_text(const LadderRecord& record);
/// What its program's maintainers may want to read, in Markdown: improvements by measured gain, faults.
[[nodiscard]] std::string to_improvements(const LadderRecord& record);

/// A profile (haywatt profile), under the same rules.
[[nodiscard]] std::string to_html(const ProfileRecord& record);
[[nodiscard]] std::string to_markdown(const ProfileRecord& record);
/// A profile's operators for a terminal: the `most` that took most CPU time.
[[nodiscard]] std::string operator_summary(const ProfileRecord& record, std::size_t most);

}  // namespace haywatt::report
