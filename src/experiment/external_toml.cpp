// External methods in plans (docs/external-methods.md).
#include "experiment/plan_reader.hpp"
#include "meter/output_phases.hpp"

namespace haywatt::experiment {
namespace {

/// A list of kinds, or a table of kinds with the words that {bound} stands for.
std::map<std::string, std::string> guarantee(const PlanReader& in, const toml::node& node) {
  if (node.is_table()) return in.text_table(node, "guarantee");
  std::map<std::string, std::string> kinds;
  for (const std::string& kind : in.texts(node, "guarantee"))
    if (kind != "none") kinds[kind] = kind == "lossless" ? kind : kind + ":{epsilon}";
  return kinds;
}

}  // namespace

PlannedMethod read_external(const PlanReader& in, const toml::table& table, const std::string& plan_path) {
  in.expect_keys(table, {"name", "train", "compress", "decompress", "version", "input", "output", "guarantee", "bounds",
                         "phases_from", "environment", "folder", "out", "model", "stored", "timeout_s", "one_way"});
  ExternalMethod m;
  const auto text = [&](const char* key, std::string& value) {
    if (const toml::node* n = table.get(key)) value = in.text(*n, key);
  };
  if (!table.contains("name")) in.fail(table.source(), "a [[method]] has no 'name'");
  text("name", m.name);
  text("train", m.train);
  text("compress", m.compress);
  text("decompress", m.decompress);
  text("version", m.version);
  text("out", m.out);
  text("model", m.model);
  if (const auto* n = table.get("input"))
    m.input = in.located(*n, [&] { return parse_table_form(in.text(*n, "input")); });
  m.output = m.input;
  if (const auto* n = table.get("output"))
    m.output = in.located(*n, [&] { return parse_table_form(in.text(*n, "output")); });
  if (const auto* n = table.get("guarantee")) m.guarantee = guarantee(in, *n);
  if (const auto* n = table.get("environment")) m.environment = in.text_table(*n, "environment");
  if (const auto* n = table.get("stored")) m.stored = in.texts(*n, "stored");
  for (std::string& path : m.stored)
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (const auto* n = table.get("timeout_s")) m.timeout_s = in.positive(*n, "timeout_s");
  if (const auto* n = table.get("one_way")) m.one_way = in.yes_or_no(*n, "one_way");
  if (const auto* n = table.get("phases_from")) {
    m.phases_from = in.text(*n, "phases_from");
    in.located(*n, [&] { (void)meter::OutputPhases(m.phases_from); });
  }
  std::string folder = ".";
  text("folder", folder);
  m.folder = beside(plan_path, folder);
  in.located(table, [&] { m.check(); });
  PlannedMethod planned;
  planned.spec.name = std::string(external_prefix) + m.name;
  planned.external = std::move(m);
  if (const auto* n = table.get("bounds")) planned.bounds = in.bounds(*n);
  return planned;
}

toml::table external_as_toml(const ExternalMethod& m) {
  toml::table table{
      {"name", m.name}, {"compress", m.compress}, {"input", name_of(m.input)}, {"output", name_of(m.output)},
      {"out", m.out},   {"model", m.model},       {"folder", m.folder},        {"timeout_s", m.timeout_s}};
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) table.insert(key, value);
  };
  text("train", m.train);
  text("decompress", m.decompress);
  text("version", m.version);
  text("phases_from", m.phases_from);
  if (m.one_way) table.insert("one_way", true);
  const auto texts = [&](const char* key, const std::map<std::string, std::string>& values) {
    toml::table inner;
    for (const auto& [name, value] : values) inner.insert(name, value);
    inner.is_inline(true);
    if (!inner.empty()) table.insert(key, std::move(inner));
  };
  texts("guarantee", m.guarantee);
  texts("environment", m.environment);
  toml::array stored;
  for (const std::string& path : m.stored) stored.push_back(path);
  if (!stored.empty()) table.insert("stored", std::move(stored));
  return table;
}

}  // namespace haywatt::experiment
