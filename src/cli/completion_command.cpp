#include <fmt/format.h>

#include <memory>

#include "cli/commands.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt::cli {
namespace {

std::string option_names(const CLI::App& command) {
  std::string names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names += "--" + name + " ";
    for (const std::string& name : option->get_snames()) names += "-" + name + " ";
  }
  return names;
}

/// Assignments of what may follow a command: its options and those of what it divides into, and the names of these.
std::string words_after(const CLI::App& command) {
  std::string words = option_names(command), names;
  for (const CLI::App* c : command.get_subcommands([](const CLI::App*) { return true; })) {
    words += option_names(*c);
    names += c->get_name() + " ";
  }
  return fmt::format("words='{}' names='{}'", words, names);
}

std::string method_names() {
  std::string names;
  for (const auto& m : all_methods()) names += m->name() + " ";
  return names;
}

/// A bash completion function made from the commands as they are, so that it cannot fall behind.
std::string bash_script(const CLI::App& app) {
  std::string commands;
  std::string cases;
  for (const CLI::App* c : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (c->get_group().empty()) continue;  // hidden
    commands += c->get_name() + " ";
    cases += fmt::format("    {}) {} ;;\n", c->get_name(), words_after(*c));
  }
  return fmt::format(R"(# bash completion of haywatt; load with: source <(haywatt completion bash)
_haywatt() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words= names=
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '{}--help --version' -- "$current")); return
  fi
  case $previous in
    --method|--methods) COMPREPLY=($(compgen -W '{}' -- "$current")); return ;;
    --bound|--bounds) COMPREPLY=($(compgen -W 'lossless abs: range: rel: bits: none' -- "$current")); return ;;
  esac
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [ "$COMP_CWORD" = 2 ] && [ -n "$names" ]; then
    COMPREPLY=($(compgen -W "$names" -- "$current")); return
  fi
  case $current in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _haywatt haywatt
)",
                     commands, method_names(), cases);
}

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* c = app.add_subcommand("completion", "Print a script that completes commands and options in a shell");
  c->add_option("SHELL", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  c->footer("Examples:\n  source <(haywatt completion bash)\n  source <(haywatt completion zsh)");
  c->callback([shell, &app, &action] {
    action = [shell, &app] {
      if (*shell == "zsh") fmt::print("autoload -U +X bashcompinit && bashcompinit\n");
      fmt::print("{}", bash_script(app));
      return 0;
    };
  });
}

}  // namespace haywatt::cli
