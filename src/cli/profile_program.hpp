/// The part of `haywatt profile` that profiles any program.
#pragma once
#include <string>

#include "cli/profile_outputs.hpp"
#include "haywatt/meter/program_meter.hpp"
#include "haywatt/trace/sampling.hpp"

namespace haywatt::cli {

struct ProfileProgramArguments {
  meter::ProgramOptions program;
  trace::SamplingOptions sampling;
  ProfileFiles files;
};

/// Runs the program, profiled; what is found goes to standard error and the files. The exit code is the program's.
int profile_program(const ProfileProgramArguments& arguments);

}  // namespace haywatt::cli
