#include "cli/profile_outputs.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "haywatt/base/bytes.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt/trace/operator_exports.hpp"
#include "haywatt/trace/stacks.hpp"

namespace haywatt::cli {
namespace {

bool by_operators(const ProfileRecord& r) { return r.by == "operators"; }

}  // namespace

ProfileOutputs::ProfileOutputs(const ProfileFiles& files) {
  const std::pair<const std::string&, Form> wanted[] = {
      {files.record, [](const ProfileRecord& r) { return nlohmann::json(r).dump(1) + "\n"; }},
      {files.folded, [](const ProfileRecord& r) { return trace::to_folded(r.stacks); }},
      {files.html, [](const ProfileRecord& r) { return report::to_html(r); }},
      {files.speedscope, [](const ProfileRecord& r) { return trace::to_speedscope(r.stacks, r.subject); }},
      {files.chrome,
       [](const ProfileRecord& r) {
         return by_operators(r) ? trace::operators_to_chrome_trace(r)
                                : trace::stacks_to_chrome_trace(r.stacks, r.subject);
       }},
      {files.csv,
       [](const ProfileRecord& r) {
         return by_operators(r) ? trace::operators_to_csv(r) : trace::functions_to_csv(r.stacks);
       }},
  };
  for (const auto& [path, form] : wanted)
    if (!path.empty())
      outputs_.push_back({std::make_unique<AtomicFile>(
                              path, files.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse),
                          form});
}

std::vector<std::string> ProfileOutputs::write(const ProfileRecord& record) {
  std::vector<std::string> names;
  for (const Output& o : outputs_) {
    o.file->append(as_byte_span(o.form(record)));
    o.file->commit();
    names.push_back(o.file->path());
  }
  return names;
}

}  // namespace haywatt::cli
