#include "haywatt/codec/method.hpp"

#include <algorithm>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt {
namespace {

/// Where the options begin: after the first colon that is followed by KEY=. A name may hold colons itself.
std::size_t options_begin(std::string_view text) {
  for (auto colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
    const auto next = text.find_first_of(":,=", colon + 1);
    if (next != std::string_view::npos && text[next] == '=') return colon;
  }
  return std::string_view::npos;
}

}  // namespace

std::string MethodSpec::text() const {
  std::string s = name;
  char separator = ':';
  for (const auto& [key, value] : options) {
    s.append(1, separator).append(key).append(1, '=').append(value);
    separator = ',';
  }
  return s;
}

MethodSpec MethodSpec::parse(std::string_view text) {
  MethodSpec spec;
  const auto begin = options_begin(text);
  spec.name = std::string(text.substr(0, begin));
  if (spec.name.empty() || spec.name.front() == ':' || spec.name.back() == ':' ||
      spec.name.find_first_of("=, \t\n") != std::string::npos)
    fail_usage("method '" + std::string(text) + "' is not NAME or NAME:KEY=VALUE,KEY=VALUE");
  if (begin == std::string_view::npos) return spec;
  for (const std::string& part : split(text.substr(begin + 1), ',')) {
    const auto equals = part.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == part.size())
      fail_usage("method '" + std::string(text) + "': option '" + part + "' is not KEY=VALUE");
    if (!spec.options.emplace(part.substr(0, equals), part.substr(equals + 1)).second)
      fail_usage("method '" + std::string(text) + "': option '" + part.substr(0, equals) + "' is given twice");
  }
  return spec;
}

void check_options(const Method& method, const MethodSpec& spec) {
  const auto known = method.options();
  for (const auto& [key, value] : spec.options) {
    if (std::any_of(known.begin(), known.end(), [&k = key](const OptionInfo& o) { return o.name == k; })) continue;
    std::string names;
    for (const OptionInfo& o : known) names += (names.empty() ? "" : ", ") + o.name;
    fail_usage("method " + method.name() + " has no option '" + key + "'; " +
               (names.empty() ? std::string("it takes none") : "it takes " + names));
  }
}

}  // namespace haywatt
