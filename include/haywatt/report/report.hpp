/// Records to documents. Uses only records and metrics: everything a report shows is in the StudyRecord.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "haywatt/record/record.hpp"

namespace haywatt::report {

/// One self-contained HTML page (no network, < 3 MB), light, dark and print.
[[nodiscard]] std::string to_html(const StudyRecord& study);
[[nodiscard]] std::string to_markdown(const StudyRecord& study);
/// metrics.json (schema "haywatt-metrics/1", docs/metrics-json.md): the summary table as data.
[[nodiscard]] nlohmann::json to_metrics(const StudyRecord& study);

}  // namespace haywatt::report
