#include "data/csv_header.hpp"

#include <algorithm>
#include <array>

#include "data/csv_number.hpp"

namespace haywatt::data {
namespace {

constexpr std::string_view separators = ",;\t";

}  // namespace

char detect_separator(std::string_view header) {
  std::array<std::size_t, separators.size()> count{};
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    const auto which = separators.find(c);
    if (!quoted && which != std::string_view::npos) ++count.at(which);
  }
  const auto most = std::max_element(count.begin(), count.end());
  return separators[static_cast<std::size_t>(most - count.begin())];
}

std::vector<std::string_view> split_quoted(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = quoted ? false : (i == begin || line[i - 1] == '"');
    if (line[i] != separator || quoted) continue;
    fields.push_back(line.substr(begin, i - begin));
    begin = i + 1;
  }
  fields.push_back(line.substr(begin));
  return fields;
}

std::string unquote(std::string_view field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return std::string(trim_blanks(field));
  field = field.substr(1, field.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '"' && i + 1 < field.size() && field[i + 1] == '"') ++i;
    out += field[i];
  }
  return out;
}

std::string quote_if_needed(std::string_view name) {
  if (name.find_first_of(",;\t\"\r\n") == std::string_view::npos && trim_blanks(name) == name) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string select_csv_header(std::string_view header, const std::vector<std::uint32_t>& kept) {
  const char separator = detect_separator(header);
  const auto fields = split_quoted(header, separator);
  std::string out;
  for (const std::uint32_t k : kept) {
    if (k >= fields.size()) continue;
    if (k != kept.front()) out += separator;
    out += fields[k];
  }
  return out;
}

}  // namespace haywatt::data
