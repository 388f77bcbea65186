#include "haywatt/experiment/plan.hpp"

#include <fmt/format.h>

#include <set>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt::experiment {
namespace {

std::string rule_text(const BoundRule& rule) {
  return rule.glob == "*" ? rule.bound.text : rule.glob + "=" + rule.bound.text;
}

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

BoundSet single(std::string_view text) { return BoundSet{{parse_bound_rule(text)}}; }

bool supports(const PlannedMethod& planned, const BoundSet& bound) {
  if (planned.external) return planned.external->supports(bound.rules);
  const Method& method = find_method(planned.spec.name);
  for (const BoundRule& rule : bound.rules)
    if (!method.supports(rule.bound.kind)) return false;
  return true;
}

/// A method that can do without a guarantee (baler) is studied as it is used: without one instead of lossless.
std::vector<BoundSet> default_bounds(const PlannedMethod& method) {
  std::vector<BoundSet> chosen;
  for (const char* text : {supports(method, single("none")) ? "none" : "lossless", "range:1e-3"})
    if (supports(method, single(text))) chosen.push_back(single(text));
  return chosen;
}

std::vector<PlannedMethod> default_methods(const std::vector<TableFacts>& tables, std::vector<std::string>& notes) {
  std::vector<PlannedMethod> chosen;
  for (const auto& method : all_methods()) {
    std::string why = method->unavailable_reason();
    for (const TableFacts& table : tables)
      if (why.empty()) why = method->inapplicable_reason(table.schema);
    if (!why.empty()) {
      notes.push_back(fmt::format("{} is left out: {}", method->name(), why));
      continue;
    }
    chosen.push_back({MethodSpec{method->name(), {}}, {}, {}});
    if (method->name() == "zstd") chosen.push_back({MethodSpec::parse("zstd:level=19"), {}, {}});
  }
  return chosen;
}

/// Wrong names, options and values are the user's to mend before the study starts; a method that cannot run here
/// becomes a row of the study instead.
void check_method(const MethodSpec& spec) {
  const Method& method = find_method(spec.name);
  check_options(method, spec);
  if (!method.unavailable_reason().empty()) return;
  try {
    (void)method.make_encoder(spec);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::Usage) throw;
  }
}

std::string label_of(const Trial& t, bool name_threads, bool name_data) {
  std::string label = t.method.text() + ", " + t.bound.text();
  if (name_threads) label += fmt::format(", {} thread{}", t.threads, t.threads == 1 ? "" : "s");
  if (name_data) label += ", " + t.data.substr(t.data.rfind('/') + 1);
  return label;
}

}  // namespace

std::string BoundSet::text() const {
  std::string all;
  for (const BoundRule& rule : rules) all += (all.empty() ? "" : "; ") + rule_text(rule);
  return all;
}

std::vector<PlannedMethod> parse_method_list(std::string_view text) {
  std::vector<std::string> specs;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    const bool option = equals != std::string::npos && part.find(':') > equals;  // "level=19", not "zstd:level=19"
    if (option && !specs.empty())
      specs.back() += "," + part;
    else
      specs.push_back(part);
  }
  std::vector<PlannedMethod> methods;
  for (const std::string& spec : specs) {
    if (spec.empty()) fail_usage(fmt::format("methods '{}': a name is missing; write NAME[:KEY=VALUE,…],…", text));
    methods.push_back({MethodSpec::parse(spec), {}, {}});
  }
  return methods;
}

std::vector<BoundSet> parse_bound_list(std::string_view text) {
  std::vector<BoundSet> bounds;
  for (const std::string& part : split(text, ',')) bounds.push_back(single(part));
  return bounds;
}

std::string Trial::key(int repeat) const {
  std::string all = fmt::format("{}\n{}\n{}\n{}\n{}", data_xxh3, method.text(), bound.text(), threads, repeat);
  if (external) all += "\n" + external->identity();
  return hex(xxh3(as_byte_span(all)));
}

Expansion expand(const Plan& plan, const std::vector<TableFacts>& tables) {
  Expansion out;
  const bool by_default = plan.methods.empty();
  const std::vector<PlannedMethod> methods = by_default ? default_methods(tables, out.notes) : plan.methods;
  for (const PlannedMethod& m : methods)
    if (m.external)
      m.external->check();
    else
      check_method(m.spec);
  const std::vector<int> threads = plan.threads.empty() ? std::vector<int>{exec::default_threads()} : plan.threads;
  std::set<std::string> keys;
  std::set<std::string> noted;
  for (const TableFacts& table : tables) {
    for (const PlannedMethod& m : methods) {
      const std::vector<BoundSet> bounds = m.bounds ? *m.bounds : plan.bounds.empty() ? default_bounds(m) : plan.bounds;
      for (const BoundSet& bound : bounds) {
        if (!supports(m, bound)) {
          const std::string note =
              fmt::format("{} is left out at {}: it does not support that bound", m.spec.text(), bound.text());
          if (noted.insert(note).second) out.notes.push_back(note);
          continue;
        }
        // Throws where a rule names no column; the statistics do not matter for that.
        (void)resolve_bounds(bound.rules, table.schema, std::vector<ColumnStatistics>(table.schema.columns.size()));
        for (const int n : threads) {
          Trial trial{table.path, table.xxh3, m.spec, bound, n, m.external, {}};
          if (trial.external && !(trial.external->timeout_s > 0.0)) trial.external->timeout_s = plan.timeout_s;
          trial.label = label_of(trial, threads.size() > 1, tables.size() > 1);
          if (!keys.insert(trial.key(0)).second)
            fail_usage(fmt::format("the plan has '{}' twice{}", trial.label,
                                   tables.size() > 1 ? "; are two data files the same?" : ""));
          out.trials.push_back(std::move(trial));
        }
      }
    }
  }
  if (out.trials.empty()) {
    std::string message = "nothing to run: no method of the plan supports its bounds";
    if (!out.notes.empty()) message += " (" + out.notes.front() + ")";
    fail_usage(message);
  }
  return out;
}

std::string plan_identity(const Plan& plan, const std::vector<Trial>& trials) {
  std::string all =
      fmt::format("{} {} {} {} {}\n", plan.repeats, plan.budget_s, plan.timeout_s, plan.memory_B, plan.seed);
  if (plan.estimate.tdp_W) all += fmt::format("tdp {}\n", *plan.estimate.tdp_W);
  if (plan.estimate.idle_W) all += fmt::format("idle {}\n", *plan.estimate.idle_W);
  for (const Trial& trial : trials) all += trial.key(0) + "\n";
  return hex(xxh3(as_byte_span(all)));
}

}  // namespace haywatt::experiment
