#include "experiment/command_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "experiment/shell_words.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::string_view of_the_shell = "|&;()$`*?[]#~!\n";
constexpr std::array interpreters = {"sh", "bash", "dash", "ksh", "zsh", "perl", "ruby"};

/// The length of "{name}" at the beginning of `text`, or 0.
std::size_t placeholder_at(std::string_view text) {
  if (text.size() < 3 || text[0] != '{') return 0;
  std::size_t end = 1;
  while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || text[end] == '_')) ++end;
  return end > 1 && end < text.size() && text[end] == '}' ? end + 1 : 0;
}

/// Copies `text` with what `value` gives for each placeholder.
std::string replaced(std::string_view text, const std::function<std::string(std::string_view)>& value) {
  std::string out;
  while (!text.empty()) {
    const std::size_t escaped = text.starts_with("{{") ? placeholder_at(text.substr(1)) : 0;
    if (escaped > 0 && text.substr(1 + escaped).starts_with('}')) {
      out += text.substr(1, escaped);
      text.remove_prefix(escaped + 2);
    } else if (const std::size_t length = placeholder_at(text); length > 0) {
      out += value(text.substr(1, length - 2));
      text.remove_prefix(length);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

std::vector<std::string> placeholders_of(std::string_view text) {
  std::vector<std::string> names;
  (void)replaced(text, [&](std::string_view name) {
    names.emplace_back(name);
    return std::string();
  });
  return names;
}

/// `sh -c '… {in}'`: the path would be read as a piece of the script.
bool is_script(const std::vector<std::string>& words, std::size_t i) {
  if (i == 0) return false;
  const std::string program = words[0].substr(words[0].rfind('/') + 1);
  const bool interprets = program.starts_with("python") || std::any_of(interpreters.begin(), interpreters.end(),
                                                                       [&](const char* n) { return program == n; });
  const std::string& option = words[i - 1];
  return interprets && option.size() > 1 && option[0] == '-' && option[1] != '-' &&
         (option.ends_with('c') || option.ends_with('e'));
}

}  // namespace

CommandTemplate::CommandTemplate(std::string_view text, const std::vector<std::string_view>& known) {
  std::vector<ShellWord> found;
  if (const auto c = split_words(text, of_the_shell, "<>", found))
    fail_usage(
        fmt::format("'{}' is of the shell's language, and no shell reads this command; quote it, or write sh -c "
                    "'…' sh {{in}} {{out}} with $1 and $2 in the script",
                    *c == '\n' ? std::string("end of line") : std::string(1, *c)));
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].is_operator) {
      raw_.words.push_back(found[i].text);
      continue;
    }
    std::string& file = found[i].text == "<" ? raw_.input_file : raw_.output_file;
    const bool number = found[i].follows_word && !raw_.words.empty() &&
                        raw_.words.back().find_first_not_of("0123456789") == std::string::npos;
    if (number || i + 1 == found.size() || found[i + 1].is_operator || !file.empty())
      fail_usage(fmt::format("'{}' must be followed by one file, once, and have no number before it: CMD < FILE > FILE",
                             found[i].text));
    file = found[++i].text;
  }
  if (raw_.words.empty()) fail_usage("the command is empty");
  std::vector<std::string> all = raw_.words;
  all.insert(all.end(), {raw_.input_file, raw_.output_file});
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const std::string& name : placeholders_of(all[i])) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        fail_usage(fmt::format("unknown placeholder {{{0}}}; known here: {{{1}}}; the text itself is {{{{{0}}}}}", name,
                               fmt::join(known, "}, {")));
      if (i < raw_.words.size() && is_script(raw_.words, i))
        fail_usage(
            fmt::format("{{{}}} inside a script would be read as a piece of it; hand it over as an argument: sh -c "
                        "'… \"$1\"' sh {{{}}}",
                        name, name));
    }
}

bool CommandTemplate::uses(std::string_view placeholder) const {
  std::vector<std::string> all = raw_.words;
  all.insert(all.end(), {raw_.input_file, raw_.output_file});
  return std::any_of(all.begin(), all.end(), [&](const std::string& word) {
    const auto names = placeholders_of(word);
    return std::find(names.begin(), names.end(), placeholder) != names.end();
  });
}

CommandLine CommandTemplate::fill(const std::map<std::string, std::string>& values) const {
  CommandLine line;
  for (const std::string& word : raw_.words) {
    if (word == "{bound}") {
      std::vector<ShellWord> several;
      (void)split_words(values.at("bound"), "", "", several);
      for (const ShellWord& w : several) line.words.push_back(w.text);
    } else {
      line.words.push_back(filled(word, values));
    }
  }
  line.input_file = filled(raw_.input_file, values);
  line.output_file = filled(raw_.output_file, values);
  return line;
}

std::string filled(const std::string& text, const std::map<std::string, std::string>& values) {
  return replaced(text, [&](std::string_view name) {
    const auto value = values.find(std::string(name));
    if (value == values.end()) {
      std::vector<std::string> known;
      for (const auto& [key, unused] : values) known.push_back(key);
      fail_usage(fmt::format("unknown placeholder {{{}}}; known here: {{{}}}", name, fmt::join(known, "}, {")));
    }
    return value->second;
  });
}

}  // namespace haywatt::experiment
