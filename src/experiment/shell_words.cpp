#include "experiment/shell_words.hpp"

#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view special_in_quotes = "$`";

bool among(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

class Splitter {
 public:
  Splitter(std::string_view text, std::vector<ShellWord>& words) : text_(text), words_(words) {}

  std::optional<char> split(std::string_view special, std::string_view operators) {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (among(c, blanks)) {
        finish();
      } else if (c == '\'') {
        quoted(c);
      } else if (c == '"') {
        if (const auto found = double_quoted()) return found;
      } else if (c == '\\') {
        if (at_ == text_.size() || text_[at_] == '\n') return c;
        add(text_[at_++]);
      } else if (among(c, operators)) {
        const bool attached = begun_;
        finish();
        words_.push_back({std::string(1, c), true, attached});
      } else if (among(c, special)) {
        return c;
      } else {
        add(c);
      }
    }
    finish();
    return std::nullopt;
  }

 private:
  void add(char c) {
    word_ += c;
    begun_ = true;
  }
  void finish() {
    if (begun_) words_.push_back({word_, false, false});
    word_.clear();
    begun_ = false;
  }
  [[noreturn]] void fail_open() const {
    fail_usage("the command has an opening quote without its end: " + std::string(text_));
  }
  void quoted(char quote) {
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail_open();
    word_.append(text_, at_, end - at_);
    at_ = end + 1;
    begun_ = true;
  }
  std::optional<char> double_quoted() {
    begun_ = true;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (among(text_[at_], special_in_quotes)) return text_[at_];
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && among(text_[at_ + 1], "\"\\$`")) ++at_;
      word_ += text_[at_++];
    }
    if (at_ == text_.size()) fail_open();
    ++at_;
    return std::nullopt;
  }

  std::string_view text_;
  std::vector<ShellWord>& words_;
  std::size_t at_ = 0;
  std::string word_;
  bool begun_ = false;
};

}  // namespace

std::optional<char> split_words(std::string_view text, std::string_view special, std::string_view operators,
                                std::vector<ShellWord>& words) {
  return Splitter(text, words).split(special, operators);
}

}  // namespace haywatt::experiment
