#include "cli/profile_program.hpp"

#include <cstdio>
#include <utility>
#include <vector>

#include "cli/profile_program_summary.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/exec/pool.hpp"
#include "haywatt/experiment/operator_files.hpp"
#include "haywatt/metrics/code_costs.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt/trace/peaks.hpp"
#include "haywatt/trace/stacks.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

int profile_it(const ProfileProgramArguments& a, const meter::ProgramOrigin& origin,
               const std::function<trace::Sampled()>& finish) {
  ProfileOutputs outputs(a.files);
  meter::ProgramOptions options = a.program;
  options.origin = &origin;
  ProfileRecord record;
  record.machine = describe_machine();
  meter::check_estimate_options(options.estimate, record.machine);
  const experiment::OperatorFolder operators;
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
  metrics::fit_to(record.stacks, record.run.cpu_s);
  operators.collect(record);
  if (!record.operators.empty()) {
    const trace::Peaks peaks = trace::measure_peaks(exec::default_threads());
    record.compute_peaks = peaks.compute;
    record.memory_peaks = peaks.memory;
  }
  const std::vector<std::string> files = outputs.write(record);
  if (log::level() != log::Level::Quiet) {
    const std::string text = profile_program_summary(record, files, log::level() == log::Level::Verbose);
    std::fwrite(text.data(), 1, text.size(), stderr);
    if (!record.operators.empty()) {
      const std::string operators_text = "\n" + report::operator_summary(record, 25);
      std::fwrite(operators_text.data(), 1, operators_text.size(), stderr);
    }
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
