#include "report/page.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/assets.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

Parts around(const PageHead& head, std::string body) {
  return {{"kind", head.kind},
          {"title", head.title},
          {"subject", head.subject},
          {"started", head.started},
          {"version", head.version},
          {"style", std::string(assets::style)},
          {"body", std::move(body)},
          {"theme", ""},
          {"without_script", ""},
          {"licences", ""},
          {"scripts", ""}};
}

}  // namespace

std::string whole_page(const PageHead& head, std::string_view body, const Parts& parts) {
  return fill_in(assets::frame, around(head, fill_in(body, parts)));
}

std::string whole_page(const PageHead& head, std::string_view body, const Parts& parts, const PageCharts& charts,
                       const nlohmann::json& data) {
  Parts whole = around(head, fill_in(body, parts));
  whole["theme"] =
      "<button type=\"button\" id=\"theme\" class=\"screen-only\" aria-pressed=\"false\" hidden>Dark</button>\n";
  whole["without_script"] =
      fmt::format("<noscript><p class=\"note\">JavaScript is off: {}</p></noscript>\n", charts.without);
  whole["licences"] = "Charts: Chart.js, © Chart.js Contributors, MIT licence, embedded in this page. ";
  whole["scripts"] = fmt::format(
      "<script type=\"application/json\" "
      "id=\"data\">{}</script>\n<script>\n{}\n</script>\n<script>\n{}\n{}\n</script>\n",
      script_json(data), assets::chartjs, assets::common, charts.script);
  return fill_in(assets::frame, whole);
}

}  // namespace haywatt::report
