#include "meter/output_phases.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

constexpr std::int64_t regex_memory_B = 8 << 20;
constexpr int most_groups = 16;

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/// Without ANSI escape sequences (ECMA-48: ESC [ … final byte 0x40..0x7e), as coloured logs and progress bars have.
std::string without_colours(std::string_view line) {
  std::string plain;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      for (i += 2; i < line.size() && !(line[i] >= 0x40 && line[i] <= 0x7e); ++i) {
      }
      continue;
    }
    plain += line[i];
  }
  return plain;
}

/// Makes any bytes a phase's name, or the empty one.
std::string as_name(std::string_view text) {
  constexpr std::string_view blanks = " \t\v\f";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  text = text.substr(first, text.find_last_not_of(blanks) + 1 - first);
  std::string name;
  while (!text.empty()) {
    std::size_t length = std::min<std::size_t>(4, text.size());
    while (length > 0 && !is_phase_name(text.substr(0, length))) --length;
    const std::string_view piece = length == 0 ? "?" : text.substr(0, length);
    if (name.size() + piece.size() > longest_phase_name) break;
    name += piece;
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return name;
}

}  // namespace

OutputPhases::OutputPhases(const std::string& regex) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(regex_memory_B);
  regex_ = std::make_unique<re2::RE2>(regex, options);
  if (!regex_->ok())
    fail_usage("--phases-from '" + regex + "': " + regex_->error() +
               " (RE2 syntax, docs/phases.md: no back references, no look-around)");
  last_group_ = regex_->NumberOfCapturingGroups();
  if (last_group_ > most_groups) fail_usage("--phases-from '" + regex + "': at most 16 groups; write (?:…) for others");
  const auto& named = regex_->NamedCapturingGroups();
  if (const auto phase = named.find("phase"); phase != named.end()) first_group_ = last_group_ = phase->second;
}

OutputPhases::~OutputPhases() = default;

void OutputPhases::match(std::string_view line, std::vector<PhaseMark>& marks) {
  const std::string plain = without_colours(line);
  std::array<re2::StringPiece, most_groups + 1> groups;
  if (!regex_->Match(plain, 0, plain.size(), re2::RE2::UNANCHORED, groups.data(), last_group_ + 1)) return;
  re2::StringPiece found = groups[0];
  for (int i = last_group_; i >= first_group_; --i)
    if (groups[static_cast<std::size_t>(i)].data() != nullptr) found = groups[static_cast<std::size_t>(i)];
  std::string name = names_.keep(as_name({found.data(), found.size()}));
  if (name == present_) return;
  present_ = name;
  PhaseMark mark;
  mark.kind = PhaseMark::Kind::Switch;
  mark.phase = std::move(name);
  marks.push_back(std::move(mark));
}

std::vector<PhaseMark> OutputPhases::feed(std::string_view bytes, int stream) {
  std::vector<PhaseMark> marks;
  std::string& rest = rest_[stream == 2 ? 1 : 0];
  while (!bytes.empty()) {
    const auto end = std::find_if(bytes.begin(), bytes.end(), is_line_end);
    const auto length = static_cast<std::size_t>(end - bytes.begin());
    rest.append(bytes.substr(0, std::min(length, longest_output_line - rest.size())));
    if (end == bytes.end()) break;
    match(rest, marks);
    rest.clear();
    bytes.remove_prefix(length + 1);
  }
  return marks;
}

}  // namespace haywatt::meter
