#include "haywatt/experiment/external.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "experiment/external_commands.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::array<std::pair<TableForm, std::string_view>, 5> forms = {{{TableForm::Npz, "npz"},
                                                                          {TableForm::Npy, "npy"},
                                                                          {TableForm::RawF4, "raw-f4"},
                                                                          {TableForm::RawF8, "raw-f8"},
                                                                          {TableForm::Csv, "csv"}}};
constexpr std::array<std::pair<BoundKind, std::string_view>, 6> kinds = {{{BoundKind::Lossless, "lossless"},
                                                                          {BoundKind::Abs, "abs"},
                                                                          {BoundKind::Range, "range"},
                                                                          {BoundKind::Rel, "rel"},
                                                                          {BoundKind::Bits, "bits"},
                                                                          {BoundKind::None, "none"}}};

/// A path below the work folder.
void check_path(const std::string& key, const std::string& path) {
  const bool outside = path.empty() || path.front() == '/' || ("/" + path + "/").find("/../") != std::string::npos ||
                       ("/" + path + "/").find("/./") != std::string::npos || path.find('\0') != std::string::npos;
  if (outside) fail_usage(fmt::format("'{}' must be a path inside the work folder, not '{}'", key, path));
}

/// Runs `check` and names the key in its errors.
template <class F>
void of_key(const char* key, F&& check) {
  try {
    check();
  } catch (const Error& e) {
    fail_usage(fmt::format("'{}': {}", key, e.what()));
  }
}

}  // namespace

TableForm parse_table_form(std::string_view text) {
  for (const auto& [form, name] : forms)
    if (name == text) return form;
  fail_usage(fmt::format("'{}' is no form of a table: npz, npy, raw-f4, raw-f8 or csv", text));
}

std::string_view name_of(TableForm form) { return forms.at(static_cast<std::size_t>(form)).second; }

std::string_view name_of(BoundKind kind) {
  for (const auto& [k, name] : kinds)
    if (k == kind) return name;
  return "none";
}

bool ExternalMethod::supports(const std::vector<BoundRule>& rules) const {
  if (guarantee.empty())
    return std::all_of(rules.begin(), rules.end(), [](const BoundRule& r) { return r.bound.kind == BoundKind::None; });
  const bool single = rules.size() == 1 && rules.front().glob == "*";
  // Several rules cannot be told in one number.
  if (!single && !command_template(*this, Step::Compress).uses("bounds")) return false;
  return std::all_of(rules.begin(), rules.end(),
                     [&](const BoundRule& r) { return guarantee.contains(std::string(name_of(r.bound.kind))); });
}

void ExternalMethod::check() const {
  const auto odd = [](char c) {
    return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '+' &&
           c != '-';
  };
  if (name.empty() || std::any_of(name.begin(), name.end(), odd))
    fail_usage(fmt::format("the name '{}' of an external method must be of letters, digits and . _ + -", name));
  if (compress.empty()) fail_usage("'compress' is missing: the command line that compresses {in} into {out}");
  if (decompress.empty() != one_way)
    fail_usage(one_way ? "'one_way' says that it cannot decompress, and there is a 'decompress'"
                       : "'decompress' is missing: the command line that decodes {in} into {out} (or one_way = true)");
  if (one_way && !guarantee.empty()) fail_usage("a method with one_way = true can guarantee nothing");
  of_key("compress", [&] { (void)command_template(*this, Step::Compress); });
  if (!decompress.empty()) of_key("decompress", [&] { (void)command_template(*this, Step::Decompress); });
  if (!train.empty()) of_key("train", [&] { (void)command_template(*this, Step::Train); });
  if (!version.empty()) of_key("version", [&] { (void)command_template(*this, Step::Version); });
  for (const auto& [kind, words] : guarantee) {
    const bool known = kind != "none" &&
                       std::any_of(kinds.begin(), kinds.end(), [&, &k = kind](const auto& p) { return p.second == k; });
    if (!known) fail_usage(fmt::format("'guarantee': '{}' is no kind of bound: lossless, abs, range, rel, bits", kind));
    of_key("guarantee", [&, &w = words] { (void)filled(w, {{"epsilon", ""}}); });
  }
  of_key("environment", [&] {
    for (const auto& [variable, value] : environment) {
      if (variable.empty() || variable.find('=') != std::string::npos)
        fail_usage("'" + variable + "' is no name of a variable");
      (void)filled(value, {{"threads", ""}, {"plan", ""}, {"work", ""}});
    }
  });
  check_path("out", out);
  check_path("model", model);
  for (const std::string& path : stored) {
    check_path("stored", path);
    for (const std::string& counted : {out, model})
      if (counted == path || counted.starts_with(path + "/"))
        fail_usage(fmt::format("'stored' names '{}', in which '{}' lies, and that is counted anyway", path, counted));
  }
}

std::string ExternalMethod::identity() const {
  nlohmann::json j = *this;
  j.erase("folder");
  j.erase("timeout_s");
  return j.dump();
}

void to_json(nlohmann::json& j, const ExternalMethod& m) {
  j = {{"name", m.name},
       {"train", m.train},
       {"compress", m.compress},
       {"decompress", m.decompress},
       {"version", m.version},
       {"input", name_of(m.input)},
       {"output", name_of(m.output)},
       {"guarantee", m.guarantee},
       {"phases_from", m.phases_from},
       {"environment", m.environment},
       {"folder", m.folder},
       {"out", m.out},
       {"model", m.model},
       {"stored", m.stored},
       {"timeout_s", m.timeout_s},
       {"one_way", m.one_way}};
}

void from_json(const nlohmann::json& j, ExternalMethod& m) {
  j.at("name").get_to(m.name);
  j.at("train").get_to(m.train);
  j.at("compress").get_to(m.compress);
  j.at("decompress").get_to(m.decompress);
  j.at("version").get_to(m.version);
  m.input = parse_table_form(j.at("input").get<std::string>());
  m.output = parse_table_form(j.at("output").get<std::string>());
  j.at("guarantee").get_to(m.guarantee);
  j.at("phases_from").get_to(m.phases_from);
  j.at("environment").get_to(m.environment);
  j.at("folder").get_to(m.folder);
  j.at("out").get_to(m.out);
  j.at("model").get_to(m.model);
  j.at("stored").get_to(m.stored);
  j.at("timeout_s").get_to(m.timeout_s);
  j.at("one_way").get_to(m.one_way);
}

}  // namespace haywatt::experiment
