/// Command lines with placeholders: split into words first, filled afterwards, so that no path is ever read as syntax.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::experiment {

struct CommandLine {
  std::vector<std::string> words;
  std::string input_file, output_file;  ///< of < and >; empty: none
};

/// A command line as a plan has it: words after the quoting rules of sh, `< FILE` and `> FILE`, placeholders {name}
/// ({{name}} is the text {name}). There is no shell: any other unquoted character of its language is an error.
class CommandTemplate {
 public:
  /// `known`: the placeholders that may stand in it. Error(Usage), one line.
  CommandTemplate(std::string_view text, const std::vector<std::string_view>& known);
  [[nodiscard]] bool uses(std::string_view placeholder) const;
  /// `values` has every known placeholder. A word that is `{bound}` and nothing else is replaced by the words of the
  /// value.
  [[nodiscard]] CommandLine fill(const std::map<std::string, std::string>& values) const;

 private:
  CommandLine raw_;
};

/// The text with its placeholders replaced. Error(Usage) naming a placeholder that `values` does not have.
[[nodiscard]] std::string filled(const std::string& text, const std::map<std::string, std::string>& values);

}  // namespace haywatt::experiment
