#include "codec/baler/project/python_config.hpp"

#include <cmath>

#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::baler {
namespace {

constexpr std::size_t longest_list = 1'000'000;
constexpr int deepest = 8;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  std::map<std::string, Literal> parse() {
    std::map<std::string, Literal> fields;
    bool defined = false;
    for (next_statement(); at_ < text_.size(); next_statement()) {
      statement_ = at_;
      if (accept_word("def")) {
        if (name() != "set_config" || !accept('(')) fail();
        parameter_ = std::string(name());
        if (!accept(')') || !accept(':') || defined) fail();
        defined = true;
      } else if (accept_word("pass")) {
      } else {
        const std::string_view object = name();
        if (!defined || object != parameter_ || !accept('.')) fail();
        const std::string field(name());
        if (field.empty() || !accept('=')) fail();
        fields.insert_or_assign(field, expression(0));
      }
      skip_spaces();
      if (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') fail();
    }
    if (!defined) fail_input(path_ + " defines no set_config(c): it is no config of Baler");
    return fields;
  }

 private:
  [[noreturn]] void fail() const {
    std::size_t line = 1;
    for (std::size_t i = 0; i < statement_; ++i) line += text_[i] == '\n';
    const std::string_view rest = text_.substr(statement_);
    const std::string_view shown = rest.substr(0, rest.find('\n'));
    fail_input(path_ + " line " + std::to_string(line) + ": " + data::quoted_name(shown) +
               " is not 'c.name = value' with a plain value: code in a config is not run");
  }

  /// Spaces, and line ends and comments too where a statement or a bracket allows them.
  void skip_spaces() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || c == '\f' || (brackets_ > 0 && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }
  void next_statement() {
    brackets_ = 1;
    skip_spaces();
    brackets_ = 0;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view peek_name() {
    skip_spaces();
    std::size_t end = at_;
    while (end < text_.size() && is_name_character(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  std::string_view name() {
    const std::string_view n = peek_name();
    at_ += n.size();
    return n;
  }
  bool accept_word(std::string_view word) {
    if (peek_name() != word) return false;
    at_ += word.size();
    return true;
  }

  /// A sum of products, where only lists may be added to lists and multiplied by whole numbers.
  Literal expression(int depth) {
    Literal sum = product(depth);
    while (accept('+')) {
      const Literal more = product(depth);
      auto* to = std::get_if<std::vector<Literal>>(&sum.value);
      const auto* from = std::get_if<std::vector<Literal>>(&more.value);
      if (to == nullptr || from == nullptr || to->size() + from->size() > longest_list) fail();
      to->insert(to->end(), from->begin(), from->end());
    }
    return sum;
  }
  Literal product(int depth) {
    Literal result = atom(depth);
    while (accept('*')) {
      const Literal factor = atom(depth);
      const auto* times = std::get_if<std::int64_t>(&factor.value);
      const auto* list = std::get_if<std::vector<Literal>>(&result.value);
      if (times == nullptr || list == nullptr || *times < 0) fail();
      const std::vector<Literal> once = *list;
      if (!once.empty() && static_cast<std::uint64_t>(*times) > longest_list / once.size()) fail();
      std::vector<Literal> repeated;
      for (std::int64_t i = 0; i < *times && !once.empty(); ++i)
        repeated.insert(repeated.end(), once.begin(), once.end());
      result.value = std::move(repeated);
    }
    return result;
  }
  Literal atom(int depth) {
    if (depth > deepest) fail();
    skip_spaces();
    if (at_ >= text_.size()) fail();
    const char c = text_[at_];
    if (c == '[' || c == '(') return list(depth);
    if (c == '\'' || c == '"') return string();
    if (accept_word("True")) return {true};
    if (accept_word("False")) return {false};
    if (accept_word("None")) return {};
    return number();
  }
  Literal list(int depth) {
    const char close = text_[at_++] == '[' ? ']' : ')';
    ++brackets_;
    std::vector<Literal> items;
    bool comma = true;
    while (!accept(close)) {
      if (!comma || items.size() >= longest_list) fail();
      items.push_back(expression(depth + 1));
      comma = accept(',');
    }
    --brackets_;
    // (1) is a number in brackets, (1,) a tuple.
    if (close == ')' && items.size() == 1 && !comma) return items[0];
    return {std::move(items)};
  }
  Literal string() {
    const char quote = text_[at_++];
    std::string s;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      char c = text_[at_++];
      if (c == '\\') {
        if (at_ >= text_.size()) fail();
        c = text_[at_++];
        if (c == 'n')
          c = '\n';
        else if (c == 't')
          c = '\t';
        else if (c != '\\' && c != '\'' && c != '"')
          fail();
      }
      s += c;
    }
    if (at_ >= text_.size() || text_[at_] != quote) fail();
    ++at_;
    return {std::move(s)};
  }
  Literal number() {
    std::size_t end = at_;
    while (end < text_.size()) {
      const char c = text_[end];
      const bool sign = c == '+' || c == '-';
      const bool exponent_before = end > at_ && (text_[end - 1] == 'e' || text_[end - 1] == 'E');
      if (!((c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '_' ||
            (sign && (end == at_ || exponent_before))))
        break;
      ++end;
    }
    std::string digits(text_.substr(at_, end - at_));
    std::erase(digits, '_');
    if (digits.empty() || digits.front() == '+') fail();
    at_ = end;
    const bool negative = digits.front() == '-';
    if (const auto whole = parse_u64(negative ? std::string_view(digits).substr(1) : std::string_view(digits));
        whole && *whole <= static_cast<std::uint64_t>(INT64_MAX))
      return {negative ? -static_cast<std::int64_t>(*whole) : static_cast<std::int64_t>(*whole)};
    if (digits.front() == '.') digits.insert(0, 1, '0');
    if (digits.back() == '.') digits += '0';
    const auto real = parse_double(digits);
    if (!real || !std::isfinite(*real)) fail();
    return {*real};
  }

  std::string_view text_;
  const std::string& path_;
  std::string parameter_;
  std::size_t at_ = 0, statement_ = 0;
  int brackets_ = 0;
};

}  // namespace

PythonConfig::PythonConfig(std::string_view text, const std::string& path) : path_(path) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  fields_ = Parser(text, path_).parse();
}

const Literal* PythonConfig::find(const std::string& name) const {
  const auto at = fields_.find(name);
  if (at == fields_.end() || std::holds_alternative<std::monostate>(at->second.value)) return nullptr;
  return &at->second;
}

void PythonConfig::fail_type(const std::string& name, const std::string& wanted) const {
  fail_input(path_ + ": " + name + " must be " + wanted);
}

std::optional<std::string> PythonConfig::string(const std::string& name) const {
  const Literal* l = find(name);
  if (l == nullptr) return std::nullopt;
  if (const auto* s = std::get_if<std::string>(&l->value)) return *s;
  fail_type(name, "a string");
}

std::optional<double> PythonConfig::number(const std::string& name) const {
  const Literal* l = find(name);
  if (l == nullptr) return std::nullopt;
  if (const auto* i = std::get_if<std::int64_t>(&l->value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&l->value)) return *d;
  fail_type(name, "a number");
}

std::optional<std::int64_t> PythonConfig::integer(const std::string& name) const {
  const Literal* l = find(name);
  if (l == nullptr) return std::nullopt;
  if (const auto* i = std::get_if<std::int64_t>(&l->value)) return *i;
  fail_type(name, "a whole number");
}

std::optional<bool> PythonConfig::boolean(const std::string& name) const {
  const Literal* l = find(name);
  if (l == nullptr) return std::nullopt;
  if (const auto* b = std::get_if<bool>(&l->value)) return *b;
  if (const auto* i = std::get_if<std::int64_t>(&l->value)) return *i != 0;
  fail_type(name, "True or False");
}

const std::vector<Literal>* PythonConfig::list(const std::string& name) const {
  const Literal* l = find(name);
  if (l == nullptr) return nullptr;
  if (const auto* items = std::get_if<std::vector<Literal>>(&l->value)) return items;
  if (const auto* b = std::get_if<bool>(&l->value); b != nullptr && !*b) return nullptr;
  fail_type(name, "a list");
}

}  // namespace haywatt::baler
