#include <memory>

#include "cli/commands.hpp"
#include "cli/profile_program.hpp"

namespace haywatt::cli {

void add_profile(CLI::App& app, Action& action) {
  auto a = std::make_shared<ProfileProgramArguments>();
  CLI::App* c = app.add_subcommand("profile", "Which function of a program costs what");
  c->add_option("CMD", a->program.command, "Program and its arguments; write -- before it")->required();
  c->add_option("-o,--output", a->record, "File for the record as JSON (docs/profile.md)")->type_name("FILE.json");
  c->add_option("--folded", a->folded, "File for the stacks, one a line, as flame graph tools read them")
      ->type_name("FILE");
  c->add_flag("--force", a->force, "Replace files that exist");
  c->add_option("--rate", a->sampling.rate_Hz, "Samples a second of CPU time")
      ->check(CLI::Range(1.0, 1000.0))
      ->capture_default_str()
      ->type_name("HZ");
  c->positionals_at_end();
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt profile -- ./simulate --events 1000\n"
      "  haywatt profile --folded stacks.txt -- make -j4\n"
      "\nThe program's streams and exit code are its own, as with 'haywatt meter'.");
  c->callback([a, &action] { action = [a] { return profile_program(*a); }; });
}

}  // namespace haywatt::cli
