/// Text as words, after the quoting rules of sh: blanks, '…', "…", \.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::experiment {

struct ShellWord {
  std::string text;
  bool is_operator = false;   ///< one of `operators`, unquoted
  bool follows_word = false;  ///< of an operator: no blank between it and the word before
};

/// The words of `text`. Unquoted characters of `special`, and $ and ` in double quotes, are of the shell's language:
/// the first one ends the splitting and is returned. Error(Usage) if a quote is not closed.
[[nodiscard]] std::optional<char> split_words(std::string_view text, std::string_view special,
                                              std::string_view operators, std::vector<ShellWord>& words);

}  // namespace haywatt::experiment
