// A ladder's TOML, read strictly, and the templates of its commands.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>

#include "experiment/ladder_files.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/experiment/ladder.hpp"

namespace haywatt::experiment {
namespace {

constexpr int deepest_expansion = 40;

class LadderReader {
 public:
  explicit LadderReader(std::string path) : path_(std::move(path)) {}

  LadderPlan read(const toml::table& root) {
    expect_keys(root, {"title", "about", "subject", "overhead", "phases", "variables", "artefact", "prepare", "decode",
                       "versions", "rung", "fault"});
    plan_.title = text(root, "title");
    plan_.about = text(root, "about");
    plan_.subject = text(root, "subject");
    plan_.overhead = texts(root, "overhead");
    plan_.phases = texts(root, "phases");
    if (plan_.phases.empty()) fail(root.source(), "'phases' is missing: name at least one phase");
    plan_.variables = named(root, "variables");
    plan_.artefact = by_phase(root, "artefact");
    plan_.prepare = by_phase(root, "prepare");
    plan_.decode = by_phase(root, "decode");
    plan_.versions = named(root, "versions");
    each_table(root, "rung", [&](const toml::table& t) { read_rung(t); });
    each_table(root, "fault", [&](const toml::table& t) { read_fault(t); });
    if (plan_.rungs.empty()) fail(root.source(), "there is no [[rung]]");
    return std::move(plan_);
  }

 private:
  [[noreturn]] void fail(const toml::source_region& at, const std::string& message) const {
    fail_usage(fmt::format("{}:{}: {}", path_, at.begin.line, message));
  }

  void expect_keys(const toml::table& table, std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : table)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        fail(key.source(), fmt::format("unknown key '{}'; known here: {}", key.str(), fmt::join(known, ", ")));
  }

  std::string text(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return {};
    if (!node->is_string()) fail(node->source(), fmt::format("'{}' must be a text in quotes", key));
    return node->as_string()->get();
  }

  std::string wanted(const toml::table& table, std::string_view key) const {
    std::string value = text(table, key);
    if (value.empty()) fail(table.source(), fmt::format("'{}' is missing", key));
    return value;
  }

  bool flag(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return false;
    if (!node->is_boolean()) fail(node->source(), fmt::format("'{}' must be true or false", key));
    return node->as_boolean()->get();
  }

  std::vector<std::string> texts(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    std::vector<std::string> list;
    if (node == nullptr) return list;
    if (!node->is_array()) fail(node->source(), fmt::format("'{}' must be a list of texts", key));
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_string()) fail(item.source(), fmt::format("'{}' must be a list of texts", key));
      list.push_back(item.as_string()->get());
    }
    return list;
  }

  std::map<std::string, std::string> named(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    std::map<std::string, std::string> values;
    if (node == nullptr) return values;
    if (!node->is_table()) fail(node->source(), fmt::format("'{}' must be a table of texts", key));
    for (const auto& [name, value] : *node->as_table()) {
      if (!value.is_string()) fail(value.source(), fmt::format("'{}.{}' must be a text in quotes", key, name.str()));
      values.emplace(name.str(), value.as_string()->get());
    }
    return values;
  }

  bool is_phase(const std::string& name) const {
    return std::find(plan_.phases.begin(), plan_.phases.end(), name) != plan_.phases.end();
  }

  std::map<std::string, std::string> by_phase(const toml::table& table, std::string_view key) const {
    auto values = named(table, key);
    for (const auto& [name, unused] : values)
      if (!is_phase(name)) fail(table.get(key)->source(), fmt::format("'{}' names no phase: {}", key, name));
    return values;
  }

  template <class F>
  void each_table(const toml::table& root, std::string_view key, F&& read) const {
    const toml::node* node = root.get(key);
    if (node == nullptr) return;
    if (!node->is_array()) fail(node->source(), fmt::format("write [[{}]]", key));
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_table()) fail(item.source(), fmt::format("write [[{}]]", key));
      read(*item.as_table());
    }
  }

  void read_rung(const toml::table& t) {
    expect_keys(t, {"id",        "title",       "mechanism", "place",    "effort",        "risk",   "note",
                    "stands_in", "on",          "parallel",  "side",     "measured_only", "phases", "patch",
                    "commands",  "environment", "needs",     "artefact", "prepare",       "decode"});
    LadderRung r;
    r.id = wanted(t, "id");
    if (r.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
      fail(t.source(), "the id '" + r.id + "' may hold small letters, digits and hyphens only");
    if (rung_at(r.id) != nullptr) fail(t.source(), "two rungs are called '" + r.id + "'");
    r.title = wanted(t, "title");
    r.mechanism = text(t, "mechanism");
    r.place = text(t, "place");
    r.effort = text(t, "effort");
    r.risk = text(t, "risk");
    r.note = text(t, "note");
    r.parallel = flag(t, "parallel");
    r.side = flag(t, "side");
    r.measured_only = flag(t, "measured_only");
    r.on = text(t, "on");
    if (r.on.empty()) r.on = last_;
    const LadderRung* below = rung_at(r.on);
    if (below == nullptr && !plan_.rungs.empty())
      fail(t.source(), "it stands on '" + r.on + "', which is no rung above it");
    r.stands_in = below != nullptr && !t.contains("stands_in") ? below->stands_in : text(t, "stands_in");
    fill_commands(t, r, below);
    read_needs(t, r.id);
    inherit(plan_.rung_artefact, r, below, by_phase(t, "artefact"));
    inherit(plan_.rung_prepare, r, below, by_phase(t, "prepare"));
    inherit(plan_.rung_decode, r, below, by_phase(t, "decode"));
    if (!r.side) last_ = r.id;
    plan_.rungs.push_back(std::move(r));
  }

  using Inherited = std::map<std::string, std::map<std::string, std::string>>;
  static void inherit(Inherited& all, const LadderRung& r, const LadderRung* below,
                      std::map<std::string, std::string> own) {
    if (below != nullptr) own.insert(all[below->id].begin(), all[below->id].end());
    all[r.id] = std::move(own);
  }

  /// Of every phase there is a command, its own or that of the rung below; `phases` says which are measured.
  void fill_commands(const toml::table& t, LadderRung& r, const LadderRung* below) {
    std::map<std::string, std::string> all = by_phase(t, "commands");
    if (below != nullptr) all.insert(inherited_[below->id].begin(), inherited_[below->id].end());
    std::string patches = below != nullptr ? patches_[below->id] : "";
    if (const std::string patch = text(t, "patch"); !patch.empty()) patches += (patches.empty() ? "" : ",") + patch;
    if (below != nullptr) r.environment = below->environment;
    for (const std::string& setting : texts(t, "environment")) {
      const std::string name = setting.substr(0, setting.find('=') + 1);
      if (name.empty()) fail(t.source(), "environment: write NAME=VALUE, not '" + setting + "'");
      std::erase_if(r.environment, [&](const std::string& s) { return s.starts_with(name); });
      r.environment.push_back(setting);
    }
    std::vector<std::string> phases = texts(t, "phases");
    if (phases.empty())
      for (const std::string& p : plan_.phases)
        if (all.contains(p)) phases.push_back(p);
    for (const std::string& p : phases) {
      if (!is_phase(p)) fail(t.source(), "rung '" + r.id + "': no phase is called '" + p + "'");
      if (!all.contains(p)) fail(t.source(), "rung '" + r.id + "' has no command for phase '" + p + "'");
      r.commands[p] = with_patches(all.at(p), patches);
    }
    inherited_[r.id] = std::move(all);
    patches_[r.id] = patches;
  }

  static std::string with_patches(std::string text, const std::string& patches) {
    constexpr std::string_view name = "{patches}";
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + patches.size()))
      text.replace(at, name.size(), patches);
    return text;
  }

  void read_needs(const toml::table& t, const std::string& id) {
    const toml::node* node = t.get("needs");
    if (node == nullptr) return;
    if (!node->is_array()) fail(node->source(), "'needs' must be a list of {run, why}");
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_table()) fail(item.source(), "'needs' must be a list of {run, why}");
      expect_keys(*item.as_table(), {"run", "why"});
      plan_.needs[id].push_back({wanted(*item.as_table(), "run"), wanted(*item.as_table(), "why")});
    }
  }

  void read_fault(const toml::table& t) {
    expect_keys(t, {"title", "place", "evidence", "mend"});
    plan_.faults.push_back({wanted(t, "title"), wanted(t, "place"), wanted(t, "evidence"), wanted(t, "mend")});
  }

  const LadderRung* rung_at(const std::string& id) const {
    const auto at = std::find_if(plan_.rungs.begin(), plan_.rungs.end(), [&](const auto& r) { return r.id == id; });
    return at == plan_.rungs.end() ? nullptr : &*at;
  }

  std::string path_;
  LadderPlan plan_;
  std::string last_;  ///< the rung on which the next one stands
  std::map<std::string, std::map<std::string, std::string>> inherited_;
  std::map<std::string, std::string> patches_;
};

}  // namespace

LadderPlan parse_ladder(const std::string& toml_text, const std::string& path) {
  toml::table root;
  try {
    root = toml::parse(toml_text, path);
  } catch (const toml::parse_error& e) {
    fail_usage(fmt::format("{}:{}: {}", path, e.source().begin.line, e.description()));
  }
  return LadderReader(path).read(root);
}

std::string expand(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string out = text;
  for (int depth = 0; depth < deepest_expansion; ++depth) {
    std::string next;
    std::size_t at = 0;
    bool changed = false;
    while (at < out.size()) {
      const std::size_t open = out.find('{', at);
      const std::size_t close = open == std::string::npos ? open : out.find('}', open);
      if (close == std::string::npos) break;
      const std::string name = out.substr(open + 1, close - open - 1);
      const bool is_name = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
      const auto value = values.find(name);
      if (is_name && value == values.end()) fail_usage(fmt::format("no value is known for {{{}}} in: {}", name, text));
      next += out.substr(at, open - at) + (is_name ? value->second : out.substr(open, close + 1 - open));
      changed = changed || is_name;
      at = close + 1;
    }
    next += out.substr(at);
    out = std::move(next);
    if (!changed) return out;
  }
  fail_usage("variables name each other in a circle: " + text);
}

LadderPlan baler_ladder() {
  LadderPlan plan = parse_ladder(std::string(ladder_files::baler_toml), "share/ladder/baler.toml");
  plan.files = {
      {"tools/baler-python", ladder_files::baler_python},
      {"share/phases/haywatt_phase.py", ladder_files::haywatt_phase},
      {"share/ladder/baler_patches.py", ladder_files::baler_patches},
  };
  return plan;
}

LadderPlan libtorch_ladder() {
  return parse_ladder(std::string(ladder_files::libtorch_toml), "share/ladder/libtorch.toml");
}

}  // namespace haywatt::experiment
