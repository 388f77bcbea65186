#include "report/attachments_html.hpp"

#include <fmt/format.h>

#include "report/bottleneck_words.hpp"
#include "report/profile_sections.hpp"
#include "report/profile_view.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string profile_html(const ProfileRecord& record, std::size_t number) {
  const ProfileView view = profile_view(record);
  return fmt::format(
      "<details class=\"attachment\"{}>\n<summary>Profile: {}</summary>\n<dl class=\"verdict\" "
      "style=\"grid-template-columns: 8rem 1fr\">\n{}</dl>\n{}{}\n</details>\n",
      number == 1 ? " open" : "", escape_html(record.subject), profile_headline_html(record, view),
      profile_sections(record, view, fmt::format("profile-{}-", number)), profile_notes_html(record));
}

std::string bottleneck_html(const BottleneckRecord& record) {
  return fmt::format(
      "<details class=\"attachment\" open>\n<summary>Bottleneck of {}: {}</summary>\n<p>{}</p>\n{}</details>\n",
      escape_html(record.command), escape_html(record.verdict), escape_html(bottleneck_headline(record)),
      bottleneck_section(record));
}

}  // namespace

std::string attachments_html(const Attachments& attachments) {
  if (attachments.empty()) return {};
  std::string html =
      "<section aria-labelledby=\"attachments-title\">\n<h2 id=\"attachments-title\">What the time depends on</h2>\n"
      "<p>Single runs beside the study, of the machine at that moment: compare within one of them only.</p>\n";
  std::size_t number = 0;
  for (const ProfileRecord& record : attachments.profiles) html += profile_html(record, ++number);
  for (const BottleneckRecord& record : attachments.bottlenecks) html += bottleneck_html(record);
  return html + "</section>\n\n";
}

}  // namespace haywatt::report
