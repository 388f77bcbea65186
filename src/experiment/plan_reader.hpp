/// What the readers of plans share: nodes of TOML as values, with messages that name the line.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/experiment/plan.hpp"

namespace haywatt::experiment {

/// Where a node stands, for messages: "plan.toml:7: ".
class PlanReader {
 public:
  explicit PlanReader(std::string path) : path_(std::move(path)) {}

  [[noreturn]] void fail(const toml::source_region& at, const std::string& message) const {
    fail_usage(fmt::format("{}:{}: {}", path_, at.begin.line, message));
  }

  void expect_keys(const toml::table& table, std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : table) {
      bool found = false;
      for (const std::string_view k : known) found = found || k == key.str();
      if (!found)
        fail(key.source(), fmt::format("unknown key '{}'; known here: {}", key.str(), fmt::join(known, ", ")));
    }
  }

  std::string text(const toml::node& node, std::string_view key) const {
    if (!node.is_string()) fail(node.source(), fmt::format("'{}' must be a text in quotes", key));
    return node.as_string()->get();
  }

  double positive(const toml::node& node, std::string_view key) const {
    const auto value = node.value<double>();
    if (!node.is_number() || !value || !(*value > 0) || !std::isfinite(*value))
      fail(node.source(), fmt::format("'{}' must be a positive number", key));
    return *value;
  }

  std::int64_t whole(const toml::node& node, std::string_view key, std::int64_t low, std::int64_t high) const {
    const auto* value = node.as_integer();
    if (value == nullptr || value->get() < low || value->get() > high)
      fail(node.source(), fmt::format("'{}' must be a whole number from {} to {}", key, low, high));
    return value->get();
  }

  /// Runs `parse` and gives its usage errors the line of `node`.
  template <class F>
  auto located(const toml::node& node, F&& parse) const {
    try {
      return parse();
    } catch (const Error& e) {
      fail(node.source(), e.what());
    }
  }

  /// One value, or a list of them, at least one.
  template <class F>
  void each(const toml::node& node, std::string_view key, F&& f) const {
    if (!node.is_array()) {
      f(node);
      return;
    }
    if (node.as_array()->empty()) fail(node.source(), fmt::format("'{}' must not be empty", key));
    for (const toml::node& item : *node.as_array()) f(item);
  }

  /// "range:1e-3", or a list of rules for one bound: ["range:1e-3", "pt*=rel:1e-4"].
  BoundSet bound(const toml::node& node) const {
    BoundSet set;
    each(node, "bounds", [&](const toml::node& item) {
      const std::string rule = text(item, "bounds");
      set.rules.push_back(located(item, [&] { return parse_bound_rule(rule); }));
    });
    return set;
  }

  std::vector<BoundSet> bounds(const toml::node& node) const {
    std::vector<BoundSet> sets;
    each(node, "bounds", [&](const toml::node& item) { sets.push_back(bound(item)); });
    return sets;
  }

  /// A text, or a list of them.
  std::vector<std::string> texts(const toml::node& node, std::string_view key) const {
    std::vector<std::string> all;
    each(node, key, [&](const toml::node& item) { all.push_back(text(item, key)); });
    return all;
  }

  /// A table of texts: { NAME = "VALUE" }.
  std::map<std::string, std::string> text_table(const toml::node& node, std::string_view key) const {
    std::map<std::string, std::string> all;
    if (!node.is_table())
      fail(node.source(), fmt::format("'{}' must be a table of texts: {{ NAME = \"value\" }}", key));
    for (const auto& [name, value] : *node.as_table()) all[std::string(name.str())] = text(value, name.str());
    return all;
  }

  bool yes_or_no(const toml::node& node, std::string_view key) const {
    if (!node.is_boolean()) fail(node.source(), fmt::format("'{}' must be true or false", key));
    return node.as_boolean()->get();
  }

  std::string option_value(const toml::node& node, std::string_view key) const {
    if (const auto* s = node.as_string()) return s->get();
    if (const auto* i = node.as_integer()) return std::to_string(i->get());
    if (const auto* d = node.as_floating_point()) return fmt::format("{}", d->get());
    if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
    fail(node.source(), fmt::format("option '{}' must be a text, a number, true or false", key));
  }

 private:
  std::string path_;
};

/// A path of a plan: relative ones start from the plan's folder.
[[nodiscard]] inline std::string beside(const std::string& plan_path, const std::string& path) {
  const auto slash = plan_path.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return plan_path.substr(0, slash + 1) + path;
}

/// A [[method]] with `compress`: an external method. Error(Usage) with the line.
[[nodiscard]] PlannedMethod read_external(const PlanReader& in, const toml::table& table, const std::string& plan_path);
/// The same back, without bounds.
[[nodiscard]] toml::table external_as_toml(const ExternalMethod& method);

}  // namespace haywatt::experiment
