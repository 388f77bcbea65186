#include "meter/cpu_names.hpp"

#include <algorithm>
#include <cctype>

#include "haywatt/base/text.hpp"
#include "haywatt_tdp_table.hpp"

namespace haywatt::meter {
namespace {

void erase_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
}

/// "11th", "64-core": words that stand beside a model's name.
bool is_count(const std::string& word) {
  const auto digits = word.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string::npos &&
         (word.compare(digits, std::string::npos, "th") == 0 || word.compare(digits, std::string::npos, "-core") == 0);
}

/// "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz" -> "intel xeon gold 6248", as vendors write it.
std::string normal_name(std::string_view cpu_name) {
  constexpr std::size_t longest = 200;  // the kernel's field has 48 (CPUID 0x80000002 to 4)
  std::string lower(cpu_name.substr(0, longest));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  erase_all(lower, "(r)");
  erase_all(lower, "(tm)");
  std::string out;
  for (const std::string& word : split(lower, ' ')) {
    if (word == "@" || word == "with" || word == "w/") break;  // a frequency, a graphics part
    if (word.empty() || word == "cpu" || word == "processor" || word == "gen" || is_count(word)) continue;
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

}  // namespace

std::optional<double> tdp_of(std::string_view cpu_name) {
  const std::string wanted = normal_name(cpu_name);
  if (wanted.empty()) return std::nullopt;
  std::string_view rest = tdp_table_csv;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto name = line.substr(0, line.find(','));
    if (!std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; }))
      continue;
    const auto fields = split(line, ',');
    if (fields.size() == 4) return parse_double(fields[2]);
  }
  return std::nullopt;
}

std::string cpu_key(std::string_view cpu_name) {
  std::string key;
  for (const std::string& word : split(normal_name(cpu_name), ' ')) {
    if (word == "intel" || word == "amd" || word.ends_with("core")) continue;
    for (const char c : word)
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+') key += c;
  }
  return key.find_first_of("0123456789") == std::string::npos ? std::string() : key;
}

}  // namespace haywatt::meter
