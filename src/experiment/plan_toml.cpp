// PLAN.toml: read strictly (an unknown key is an error, never ignored), written with every default spelled out.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <sstream>

#include "experiment/plan_reader.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/plan.hpp"

namespace haywatt::experiment {
namespace {

PlannedMethod read_method(const PlanReader& in, const toml::node& node, const std::string& plan_path) {
  const toml::table* table = node.as_table();
  if (table == nullptr) in.fail(node.source(), "'method' must be a table: write [[method]]");
  if (table->contains("compress")) return read_external(in, *table, plan_path);
  in.expect_keys(*table, {"name", "options", "bounds"});
  PlannedMethod planned;
  const toml::node* name = table->get("name");
  if (name == nullptr) in.fail(table->source(), "a [[method]] has no 'name'");
  const std::string spec = in.text(*name, "name");
  planned.spec = in.located(*name, [&] { return MethodSpec::parse(spec); });
  if (const toml::node* options = table->get("options")) {
    if (!options->is_table()) in.fail(options->source(), "'options' must be a table: options = { level = 19 }");
    for (const auto& [key, value] : *options->as_table())
      planned.spec.options[std::string(key.str())] = in.option_value(value, key.str());
  }
  in.located(*name, [&] { check_options(find_method(planned.spec.name), planned.spec); });
  if (const toml::node* b = table->get("bounds")) planned.bounds = in.bounds(*b);
  return planned;
}

toml::array bounds_as_toml(const std::vector<const BoundSet*>& bounds) {
  toml::array list;
  for (const BoundSet* set : bounds) {
    toml::array rules;
    for (const BoundRule& rule : set->rules)
      rules.push_back(rule.glob == "*" ? rule.bound.text : rule.glob + "=" + rule.bound.text);
    if (rules.size() == 1)
      list.push_back(*rules.get(0)->as_string());
    else
      list.push_back(std::move(rules));
  }
  return list;
}

}  // namespace

Plan parse_plan(std::string_view toml_text, const std::string& path) {
  const PlanReader in(path);
  toml::table root;
  try {
    root = toml::parse(toml_text, path);
  } catch (const toml::parse_error& e) {
    in.fail(e.source(), std::string(e.description()));
  }
  in.expect_keys(root, {"title", "data", "methods", "method", "bounds", "threads", "repeats", "budget_s", "timeout_s",
                        "memory", "seed", "tdp_w", "idle_w"});
  Plan plan;
  if (const auto* n = root.get("title")) plan.title = in.text(*n, "title");
  const toml::node* data = root.get("data");
  if (data == nullptr) fail_usage(path + ": 'data' is missing; name the tables to study: data = [\"jets.npz\"]");
  in.each(*data, "data", [&](const toml::node& item) { plan.data.push_back(beside(path, in.text(item, "data"))); });
  if (const auto* n = root.get("methods"))
    in.each(*n, "methods", [&](const toml::node& item) {
      const std::string written = in.text(item, "methods");
      in.located(item, [&] {
        plan.methods.push_back({MethodSpec::parse(written), {}, {}});
        check_options(find_method(plan.methods.back().spec.name), plan.methods.back().spec);
      });
    });
  if (const auto* n = root.get("method"))
    in.each(*n, "method", [&](const toml::node& item) { plan.methods.push_back(read_method(in, item, path)); });
  if (const auto* n = root.get("bounds")) plan.bounds = in.bounds(*n);
  if (const auto* n = root.get("threads"))
    in.each(*n, "threads", [&](const toml::node& item) {
      plan.threads.push_back(static_cast<int>(in.whole(item, "threads", 1, 4096)));
    });
  if (const auto* n = root.get("repeats")) plan.repeats = static_cast<int>(in.whole(*n, "repeats", 1, 10000));
  if (const auto* n = root.get("budget_s")) plan.budget_s = in.positive(*n, "budget_s");
  if (const auto* n = root.get("timeout_s")) plan.timeout_s = in.positive(*n, "timeout_s");
  if (const auto* n = root.get("memory")) {
    const auto size = parse_size(in.text(*n, "memory"));
    if (!size || *size == 0) in.fail(n->source(), "'memory' must be a size such as \"512M\" or \"2G\"");
    plan.memory_B = *size;
  }
  if (const auto* n = root.get("seed")) plan.seed = static_cast<std::uint64_t>(in.whole(*n, "seed", 0, INT64_MAX));
  if (const auto* n = root.get("tdp_w")) plan.estimate.tdp_W = in.positive(*n, "tdp_w");
  if (const auto* n = root.get("idle_w")) plan.estimate.idle_W = in.positive(*n, "idle_w");
  return plan;
}

std::string plan_as_ran(const Plan& plan, const std::vector<TableFacts>& tables, const std::vector<Trial>& trials) {
  toml::array data;
  for (const TableFacts& table : tables) data.push_back(table.path);
  toml::array threads;
  toml::array methods;
  // Trials come in plan order: data, then methods, then bounds, then threads. The first table's are enough.
  std::vector<const BoundSet*> bounds;
  for (std::size_t i = 0; i < trials.size() && trials[i].data == tables.front().path; ++i) {
    const Trial& t = trials[i];
    bool thread_known = false;
    for (const toml::node& n : threads) thread_known = thread_known || n.as_integer()->get() == t.threads;
    if (!thread_known) threads.push_back(t.threads);
    if (bounds.empty() || bounds.back()->text() != t.bound.text()) bounds.push_back(&t.bound);
    const bool last =
        i + 1 == trials.size() || trials[i + 1].data != t.data || trials[i + 1].method.text() != t.method.text();
    if (!last) continue;
    toml::table options;
    for (const auto& [key, value] : t.method.options) options.insert(key, value);
    if (t.external) {
      methods.push_back(external_as_toml(*t.external));
      methods.back().as_table()->insert("bounds", bounds_as_toml(bounds));
    } else {
      methods.push_back(toml::table{{"name", t.method.name}, {"bounds", bounds_as_toml(bounds)}});
    }
    if (!options.empty()) methods.back().as_table()->insert("options", std::move(options));
    bounds.clear();
  }
  toml::table root{{"data", std::move(data)},
                   {"threads", std::move(threads)},
                   {"budget_s", plan.budget_s},
                   {"timeout_s", plan.timeout_s},
                   {"memory", std::to_string(plan.memory_B)},
                   {"seed", static_cast<std::int64_t>(plan.seed)},
                   {"method", std::move(methods)}};
  if (!plan.title.empty()) root.insert("title", plan.title);
  if (plan.repeats > 0) root.insert("repeats", plan.repeats);
  if (plan.estimate.tdp_W) root.insert("tdp_w", *plan.estimate.tdp_W);
  if (plan.estimate.idle_W) root.insert("idle_w", *plan.estimate.idle_W);
  std::ostringstream out;
  out << "# haywatt plan " << plan_identity(plan, trials) << "\n";
  for (const TableFacts& table : tables) out << "# " << table.path << " has xxh3 " << table.xxh3 << "\n";
  out << root << "\n";
  return out.str();
}

}  // namespace haywatt::experiment
