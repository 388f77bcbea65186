#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt::cli {
namespace {

constexpr std::pair<BoundKind, const char*> kinds[] = {{BoundKind::Lossless, "lossless"}, {BoundKind::Abs, "abs"},
                                                       {BoundKind::Range, "range"},       {BoundKind::Rel, "rel"},
                                                       {BoundKind::Bits, "bits"},         {BoundKind::None, "none"}};

std::vector<std::string> bounds_of(const Method& m) {
  std::vector<std::string> names;
  for (const auto& [kind, name] : kinds)
    if (m.supports(kind)) names.emplace_back(name);
  return names;
}

int print_json() {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& m : all_methods()) {
    nlohmann::json options = nlohmann::json::array();
    for (const OptionInfo& o : m->options())
      options.push_back({{"name", o.name}, {"help", o.help}, {"default", o.default_value}});
    all.push_back({{"name", m->name()},
                   {"description", m->description()},
                   {"version", m->version()},
                   {"bounds", bounds_of(*m)},
                   {"available", m->unavailable_reason().empty()},
                   {"unavailable_reason", m->unavailable_reason()},
                   {"options", options}});
  }
  fmt::print("{}\n", nlohmann::json{{"schema", "haywatt-methods/1"}, {"methods", all}}.dump(2));
  return 0;
}

int print_text() {
  for (const auto& m : all_methods()) {
    const std::string why = m->unavailable_reason();
    fmt::print("{}  {}\n", m->name(), why.empty() ? "(" + m->version() + ")" : "(not available here: " + why + ")");
    fmt::print("    {}\n    bounds: {}\n", m->description(), fmt::join(bounds_of(*m), ", "));
    for (const OptionInfo& o : m->options()) fmt::print("    {}={}  {}\n", o.name, o.default_value, o.help);
  }
  return 0;
}

}  // namespace

void add_methods(CLI::App& app, Action& action) {
  auto json = std::make_shared<bool>(false);
  CLI::App* c = app.add_subcommand("methods", "List the methods, their options, and what is missing here");
  c->add_flag("--json", *json, "Print them as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer("Example:\n  haywatt methods");
  c->callback([json, &action] { action = [json] { return *json ? print_json() : print_text(); }; });
}

}  // namespace haywatt::cli
