/// Meters any program and every process it starts, unchanged and without privileges.
#pragma once
#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "haywatt/meter/estimate.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::meter {

/// What the program should find although this process has something else by now: see guarded().
struct ProgramOrigin {
  pid_t process_group = -1;
  sigset_t signal_mask{};
  struct sigaction child_disposition {};  ///< of SIGCHLD
};

struct ProgramOptions {
  std::vector<std::string> command;  ///< program (looked up in PATH as a shell does) and arguments
  std::string label;
  std::string run_id;  ///< correlation id of what belongs to this run alone; empty: made up
  int interval_ms = 100;
  double idle_s = 0.0;      ///< watch the machine for so long before the start, to know its idle power
  std::string phases_from;  ///< regular expression (ECMAScript) on the program's own output; empty: none
  bool live = false;        ///< a line on the terminal (standard error) while it runs
  EstimateOptions estimate;
  /// Where the program's standard output and error go: to ours, or nowhere (for comparisons), where the end of the
  /// error stream is kept for messages.
  enum class Streams { Inherit, Discard } streams = Streams::Inherit;
  std::vector<std::string> environment;  ///< "NAME=value", put in place of ours of that name
  std::string folder;                    ///< where it starts; empty: where we are
  std::string input_file, output_file;   ///< its standard input and output, the latter made anew; empty: see `streams`
  /// Seconds after which the program and all that descends from it are killed; 0: never.
  double timeout_s = 0.0;
  bool dies_with_us = false;  ///< the program is killed when the thread that called meter_program ends
  /// What the cost of instructions is common to, for correlation; empty: the command.
  std::string workload;
  /// With guarded(): from where the program is to start. nullptr: from this process, but with Streams::Discard in a
  /// process group of its own.
  const ProgramOrigin* origin = nullptr;
};

struct ProgramResult {
  RunRecord run;        ///< with run.tree; method empty, label as given or the command
  int exit_code = 0;    ///< as a shell gives it: the program's, 128 + N for a signal, 127 not found, 126 not executable
  bool started = true;  ///< false: it could not be, run.reason says why
  int interrupted_by = 0;  ///< the signal (SIGINT, SIGTERM, SIGHUP, SIGQUIT) that reached us and was passed on, or 0
  bool timed_out = false;  ///< it was killed at options.timeout_s
  std::string last_words;  ///< with Streams::Discard: the end of its standard error, at most 4 KiB
};

/// Runs the program to its end, or until a second signal to end comes when the program itself is gone and only what it
/// left behind still runs. Its end is when the program and every process that descends from it are gone. Call it from a
/// process with one thread (it forks) and without children: those would be taken for the program's. A program that
/// cannot be started is no exception but exit_code 127 or 126 and run.status "failed". Error(System) when the meter
/// itself cannot work.
[[nodiscard]] ProgramResult meter_program(const Machine& machine, const ProgramOptions& options);

/// Runs `body` in a process of its own, outside the process group of the caller, so that a program that is metered in
/// that group may kill the group and leave the meter alive. The caller's process stays in the group, passes signals on
/// and waits; in it the function returns what `body` returned (0 to 255), in the other one `body` runs as if called
/// here. Error(System) if no process can be made, or if the other one was killed.
[[nodiscard]] int guarded(const std::function<int(const ProgramOrigin&)>& body);

}  // namespace haywatt::meter
