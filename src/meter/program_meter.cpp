#include "haywatt/meter/program_meter.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/exec/pool.hpp"
#include "meter/tree/supervisor.hpp"

namespace haywatt::meter {
namespace {

std::string made_up_id() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{:x}-{:x}-{:x}", now.tv_sec, now.tv_nsec, ::getpid());
}

std::string command_line(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

ProgramResult meter_program(const Machine& machine, const ProgramOptions& options) {
  if (options.command.empty()) fail_usage("no command to meter");
  if (options.interval_ms < 1) fail_usage("the sampling interval must be at least 1 ms");
  Machine here = machine;
  here.cpu_quota = exec::cpu_quota();  // the machine's description knows of affinity only
  ProgramResult result;
  RunRecord& run = result.run;
  run.id = options.run_id.empty() ? made_up_id() : options.run_id;
  run.label = options.label.empty() ? command_line(options.command) : options.label;
  run.started = utc_now();
  Supervisor supervisor(here, options);
  supervisor.run();
  supervisor.fill(result);
  return result;
}

}  // namespace haywatt::meter
