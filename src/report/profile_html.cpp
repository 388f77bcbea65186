#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/page.hpp"
#include "report/profile_sections.hpp"
#include "report/profile_view.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {

std::string to_html(const ProfileRecord& record) {
  const ProfileView view = profile_view(record);
  const PageHead head = {.kind = "profile",
                         .title = escape_html(record.subject),
                         .subject = escape_html(record.machine.cpu_name.empty() ? "" : "on " + record.machine.cpu_name),
                         .started = escape_html(record.run.started),
                         .version = escape_html(record.haywatt_version)};
  const Parts parts = {
      {"headline", profile_headline_html(record, view)},
      {"sections", profile_sections(record, view, "")},
      {"notes", profile_notes_html(record)},
      {"machine", machine_facts(record.machine, record.haywatt_version)},
  };
  return whole_page(head, assets::profile_page, parts);
}

}  // namespace haywatt::report
