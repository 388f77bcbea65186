// Command strings: which need a shell, and the words of those that do not.
#include "experiment/shell_words.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/experiment/compare.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::string_view of_the_shell = "|&;<>()$`*?[]#~{}!\n";

/// "A=1 CMD": the shell sets a variable. Quotes do not matter here: a program of such a name would be a curious one.
bool sets_a_variable(const std::string& command) {
  const auto begin = command.find_first_not_of(" \t");
  const auto equals = command.find('=');
  return begin != std::string::npos && equals != std::string::npos && equals < command.find_first_of(" \t", begin);
}

}  // namespace

std::vector<std::string> command_words(const std::string& command) {
  std::vector<ShellWord> found;
  if (split_words(command, of_the_shell, "", found) || sets_a_variable(command)) return {"sh", "-c", command};
  if (found.empty()) fail_usage("a command is empty: give two commands, each as one argument");
  std::vector<std::string> words;
  for (ShellWord& word : found) words.push_back(std::move(word.text));
  return words;
}

}  // namespace haywatt::experiment
