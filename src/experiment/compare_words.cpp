// Command strings: which need a shell, and the words of those that do not.
#include <string_view>

#include "haywatt/base/error.hpp"
#include "haywatt/experiment/compare.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view of_the_shell = "|&;<>()$`*?[]#~{}!\n";
constexpr std::string_view of_the_shell_in_quotes = "$`";

bool among(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

class Splitter {
 public:
  explicit Splitter(const std::string& text) : text_(text) {}

  /// False: it needs a shell.
  bool split(std::vector<std::string>& words) {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (among(c, blanks)) {
        finish(words);
      } else if (c == '\'') {
        quoted(c);
      } else if (c == '"') {
        if (!double_quoted()) return false;
      } else if (c == '\\') {
        if (at_ == text_.size() || text_[at_] == '\n') return false;
        add(text_[at_++]);
      } else if (among(c, of_the_shell) || (c == '=' && words.empty())) {
        return false;
      } else {
        add(c);
      }
    }
    finish(words);
    return true;
  }

 private:
  void add(char c) {
    word_ += c;
    begun_ = true;
  }
  void finish(std::vector<std::string>& words) {
    if (begun_) words.push_back(word_);
    word_.clear();
    begun_ = false;
  }
  [[noreturn]] void fail_open() const { fail_usage("the command has an opening quote without its end: " + text_); }
  void quoted(char quote) {
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string::npos) fail_open();
    word_.append(text_, at_, end - at_);
    at_ = end + 1;
    begun_ = true;
  }
  bool double_quoted() {
    begun_ = true;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (among(text_[at_], of_the_shell_in_quotes)) return false;
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && among(text_[at_ + 1], "\"\\$`")) ++at_;
      word_ += text_[at_++];
    }
    if (at_ == text_.size()) fail_open();
    ++at_;
    return true;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::string word_;
  bool begun_ = false;
};

}  // namespace

std::vector<std::string> command_words(const std::string& command) {
  std::vector<std::string> words;
  if (!Splitter(command).split(words)) return {"sh", "-c", command};
  if (words.empty()) fail_usage("a command is empty: give two commands, each as one argument");
  return words;
}

}  // namespace haywatt::experiment
