#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "cli/commands.hpp"
#include "haywatt/base/energy_counter.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/phase_marks.hpp"
#include "haywatt/exec/pool.hpp"
#include "haywatt/experiment/operator_files.hpp"
#include "haywatt/meter/own_energy.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {

void add_verbosity(CLI::App& command) {
  command.add_flag_callback(
      "-q,--quiet", [] { log::set_level(log::Level::Quiet); }, "Print errors only");
  command.add_flag_callback(
      "-v,--verbose", [] { log::set_level(log::Level::Verbose); }, "Print more");
}

void add_threads(CLI::App& command, int& threads) {
  threads = exec::default_threads();
  command.add_option("--threads", threads, "Threads to use (default: the CPUs this process may use)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
}

void restart_with_quiet_openmp(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", argv);
  // Without /proc it goes on, only slower on a busy machine.
}

namespace {

bool has_separator(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* a) { return std::strcmp(a, "--") == 0; });
}

/// Their environment is the user's.
bool runs_foreign_programs(int argc, char** argv) {
  if (argc < 2) return false;
  const std::string_view command = argv[1];
  return command == "meter" || command == "compare" || command == "bottleneck" || command == "layouts" ||
         command == "ladder" || (command == "profile" && has_separator(argc, argv));
}

void describe(CLI::App& app) {
  app.set_version_flag("--version", std::string("haywatt ") + version);
  app.set_help_all_flag("--help-all", "Print the help of every command");
  app.require_subcommand(1);
  app.fallthrough(false);
  app.footer(
      "Examples:\n"
      "  haywatt study jets.npz\n"
      "  haywatt compress jets.npz -o jets.hay --bound range:1e-3\n"
      "  haywatt verify jets.hay --against jets.npz\n"
      "  haywatt decompress jets.hay -o back.npz\n"
      "  haywatt meter -o run.json -- python3 train.py\n"
      "  haywatt compare 'gzip -9 -c big' 'gzip -1 -c big'\n"
      "\nExit codes: 0 done, 1 a check failed, 2 wrong usage, 3 bad or damaged input,\n"
      "4 system (disk full, no permission), 5 not available here.");
}

void add_commands(CLI::App& app, Action& action, bool program) {
  add_compress(app, action);
  add_decompress(app, action);
  add_verify(app, action);
  add_inspect(app, action);
  add_methods(app, action);
  add_meter(app, action);
  add_study(app, action);
  add_study_worker(app, action);
  add_report(app, action);
  add_sensors(app, action);
  add_calibrate(app, action);
  add_baler_libtorch(app, action);
  add_compare(app, action);
  add_bottleneck(app, action, program);
  add_baler(app, action);
  add_layouts(app, action);
  add_ladder(app, action);
  add_profile(app, action, program);
  add_completion(app, action);
}

int run(int argc, char** argv) {
  CLI::App app{"Compress scientific tables, and know to the joule what it costs.", "haywatt"};
  describe(app);
  Action action;
  // It is started beside every program that is measured: the options of the others would take it half a millisecond.
  if (argc > 1 && std::strcmp(argv[1], "meter") == 0)
    add_meter(app, action);
  else
    add_commands(app, action, has_separator(argc, argv));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);  // --help, --version
  } catch (const CLI::ParseError& e) {
    log::error(std::string(e.what()) + " (see 'haywatt --help')");
    return static_cast<int>(ErrorKind::Usage);
  }
  const int code = action();
  // A pipe closed early or a full disk shows only here.
  if (std::fflush(stdout) != 0) fail_errno("cannot write to standard output", errno);
  return code;
}

}  // namespace
}  // namespace haywatt::cli

int main(int argc, char** argv) {
  using haywatt::ErrorKind;
  // Writing into a closed pipe is an error like another, not a silent death. A handler, since programs that we start
  // find the default again then, and not a signal that is ignored.
  if (std::signal(SIGPIPE, [](int) {}) == SIG_IGN) std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<haywatt::experiment::OperatorFile> operators;
  if (!haywatt::cli::runs_foreign_programs(argc, argv)) {
    if (std::any_of(argv + 1, argv + argc, [](const char* a) { return std::strstr(a, "baler") != nullptr; }))
      haywatt::cli::restart_with_quiet_openmp(argv);
    ::setenv("OMP_WAIT_POLICY", "passive", 0);  // for the workers of a study
    haywatt::announce_phases_to_meter();
    operators = std::make_unique<haywatt::experiment::OperatorFile>();
    static haywatt::meter::OwnEnergy own_energy;  // opens nothing until asked
    haywatt::set_energy_counter(&own_energy);
  }
  try {
    return haywatt::cli::run(argc, argv);
  } catch (const haywatt::Error& e) {
    haywatt::log::error(e.what());
    return e.exit_code();
  } catch (const std::bad_alloc&) {
    haywatt::log::error("out of memory: try fewer --threads or a smaller --memory");
    return static_cast<int>(ErrorKind::System);
  } catch (const std::exception& e) {
    haywatt::log::error(std::string("internal error: ") + e.what());
    return static_cast<int>(ErrorKind::System);
  }
}
