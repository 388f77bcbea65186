#include "cli/profile_program.hpp"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/profile_program_summary.hpp"
#include "haywatt/base/bytes.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/trace/stacks.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

using Form = std::string (*)(const ProfileRecord&);

struct Output {
  std::unique_ptr<AtomicFile> file;
  Form form;
};

/// Made before the program runs: what stands in their way is told now, not after hours.
std::vector<Output> open_outputs(const ProfileProgramArguments& a) {
  const std::pair<const std::string&, Form> wanted[] = {
      {a.record, [](const ProfileRecord& r) { return nlohmann::json(r).dump(1) + "\n"; }},
      {a.folded, [](const ProfileRecord& r) { return trace::to_folded(r.stacks); }},
  };
  std::vector<Output> list;
  for (const auto& [path, form] : wanted)
    if (!path.empty())
      list.push_back(
          {std::make_unique<AtomicFile>(path, a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse),
           form});
  return list;
}

int profile_it(const ProfileProgramArguments& a, const meter::ProgramOrigin& origin,
               const std::function<trace::Sampled()>& finish) {
  const std::vector<Output> outputs = open_outputs(a);
  meter::ProgramOptions options = a.program;
  options.origin = &origin;
  ProfileRecord record;
  record.machine = describe_machine();
  meter::check_estimate_options(options.estimate, record.machine);
  meter::ProgramResult result = meter::meter_program(record.machine, options);
  trace::Sampled sampled = finish();
  if (!result.started) {
    log::error(result.run.reason);
    return result.exit_code;
  }
  record.subject = result.run.label;
  record.by = "sampling";
  record.run = std::move(result.run);
  record.haywatt_version = version;
  record.stacks = std::move(sampled.stacks);
  record.profiler_cpu_s = sampled.sampler_cpu_s;
  record.notes = std::move(sampled.notes);
  for (const Output& o : outputs) {
    o.file->append(as_byte_span(o.form(record)));
    o.file->commit();
  }
  if (log::level() != log::Level::Quiet) {
    std::vector<std::string> files;
    for (const Output& o : outputs) files.push_back(o.file->path());
    const std::string text = profile_program_summary(record, files, log::level() == log::Level::Verbose);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  return result.exit_code;
}

}  // namespace

int profile_program(const ProfileProgramArguments& a) {
  return meter::guarded([&](const meter::ProgramOrigin& origin) {
    return trace::sample_beside(
        a.sampling, [&](const std::function<trace::Sampled()>& finish) { return profile_it(a, origin, finish); });
  });
}

}  // namespace haywatt::cli
