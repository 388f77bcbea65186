/// Starts the program: streams, environment, process group and signals as it should find them.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "meter/tree/signals.hpp"

namespace haywatt::meter {

struct LaunchPlan {
  const std::vector<std::string>& command;
  std::vector<std::string> environment;       ///< "NAME=value", put in place of ours of that name
  std::array<int, 3> streams = {-1, -1, -1};  ///< what becomes its descriptors 0, 1, 2; -1: ours
  int control_group = -1;                     ///< entrance to its control group, -1: ours
  int control_group_folder = -1;              ///< the same group's folder, or -1
  std::string folder;                         ///< where it starts; empty: where we are
  bool dies_with_us = false;                  ///< killed when the calling thread ends
  pid_t process_group = -1;                   ///< to join; 0: one of its own; -1: ours
  const Signals& signals;
};

struct Launched {
  pid_t pid = -1;
  int error = 0;                  ///< errno of exec; the process then has ended but was not waited for
  bool in_control_group = false;  ///< it entered it before it became the program
  /// Resident memory of the copy of us that it was before: its ru_maxrss is never less. 0 if exec failed early.
  std::uint64_t copy_rss_B = 0;
};

/// The program is looked up in PATH as a shell does. Error(System) if no process can be made.
[[nodiscard]] Launched launch(const LaunchPlan& plan);

}  // namespace haywatt::meter
