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
void add_methods(CLI::App& app, Action& action);
void add_study(CLI::App& app, Action& action);
void add_study_worker(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
/// Must be added last: it describes the others.
void add_completion(CLI::App& app, Action& action);

/// Adds -q and -v, which every command has.
void add_verbosity(CLI::App& command);
/// Adds --threads with the CPUs this process may use as default. `threads` must outlive the parse.
void add_threads(CLI::App& command, int& threads);

}  // namespace haywatt::cli
