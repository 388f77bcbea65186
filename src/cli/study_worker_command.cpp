// The hidden command behind every run of a study.
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/experiment/worker.hpp"

namespace haywatt::cli {
namespace {

/// Libraries may print; the record must reach the study alone.
int worker() {
  const int record_fd = ::dup(STDOUT_FILENO);
  if (record_fd < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) fail_errno("study-worker", errno);
  std::ostringstream record;
  const int code = experiment::run_worker(std::cin, record);
  std::ofstream out("/proc/self/fd/" + std::to_string(record_fd), std::ios::binary | std::ios::app);
  out << record.str() << std::flush;
  if (!out) fail_system("study-worker: cannot write the record");
  return code;
}

}  // namespace

void add_study_worker(CLI::App& app, Action& action) {
  CLI::App* hidden = app.add_subcommand("study-worker", "One run of a study, as JSON on standard input")->group("");
  hidden->callback([&action] { action = worker; });
}

}  // namespace haywatt::cli
