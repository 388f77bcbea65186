/// One function a command: adds it to the application and says what to run when it was chosen.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace haywatt::cli {

/// What main() runs after parsing; the result is the exit code. Set by the chosen command's callback.
using Action = std::function<int()>;

void add_compress(CLI::App& app, Action& action);
void add_decompress(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_meter(CLI::App& app, Action& action);
void add_methods(CLI::App& app, Action& action);
void add_study(CLI::App& app, Action& action);
void add_study_worker(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_sensors(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_baler_libtorch(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
/// `separated`: the command line holds "--", so that what follows is a program.
void add_bottleneck(CLI::App& app, Action& action, bool separated);
void add_baler(CLI::App& app, Action& action);
void add_baler_count(CLI::App& baler, Action& action);
void add_layouts(CLI::App& app, Action& action);
void add_ladder(CLI::App& app, Action& action);
/// `program`: the command line has a "--", what follows is a program.
void add_profile(CLI::App& app, Action& action, bool program);
/// Must be added last: it describes the others.
void add_completion(CLI::App& app, Action& action);

/// Adds -q and -v, which every command has.
void add_verbosity(CLI::App& command);
/// Adds --threads with the CPUs this process may use as default. `threads` must outlive the parse.
void add_threads(CLI::App& command, int& threads);

/// Starts the program again with OMP_WAIT_POLICY=passive unless the user chose a policy. OpenMP threads otherwise spin
/// at every barrier; on a machine with anything else to do, training an autoencoder on two threads then takes many
/// times longer than on one. libgomp reads the policy when the process starts, hence again.
void restart_with_quiet_openmp(char** argv);

}  // namespace haywatt::cli
