#include "cli/bottleneck_method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/method.hpp"
#include "haywatt/experiment/table_variant.hpp"

namespace haywatt::cli {
namespace {

using experiment::Knob;

const Knob* find(const std::vector<Knob>& knobs, std::string_view name) {
  const auto at = std::find_if(knobs.begin(), knobs.end(), [&](const Knob& k) { return k.name == name; });
  return at == knobs.end() ? nullptr : &*at;
}

bool has_option(const Method& method, std::string_view name) {
  const auto options = method.options();
  return std::any_of(options.begin(), options.end(), [&](const OptionInfo& o) { return o.name == name; });
}

std::string float_type(const std::string& value) {
  if (value == "f4" || value == "f32" || value == "float32") return "f4";
  if (value == "f8" || value == "f64" || value == "float64") return "f8";
  fail_usage(fmt::format("--dtype '{}': f4 or f8", value));
}

std::uint64_t row_count(const std::string& value) {
  const auto n = parse_u64(value);
  if (!n || *n == 0) fail_usage(fmt::format("--rows '{}': a number of rows", value));
  return *n;
}

/// ".npz", ".csv.gz", …
std::string suffix_of(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  if (name.ends_with(".csv.gz")) return ".csv.gz";
  return std::filesystem::path(name).extension().string();
}

/// Writes the table in all sizes and float types that the knobs name.
std::function<void(const std::string&)> tables(const std::string& data, const Knob* rows, const Knob* dtype,
                                               const std::string& name) {
  const std::vector<std::string> all_rows = rows == nullptr ? std::vector<std::string>{""} : rows->values;
  const std::vector<std::string> all_types = dtype == nullptr ? std::vector<std::string>{""} : dtype->values;
  return [=](const std::string& scratch) {
    for (const std::string& n : all_rows)
      for (const std::string& t : all_types) {
        // One knob is turned at a time.
        if (n != all_rows.front() && t != all_types.front()) continue;
        experiment::TableVariant variant;
        if (!n.empty()) variant.rows = row_count(n);
        if (!t.empty()) variant.float_type = DType::parse(t);
        experiment::write_variant(data, variant,
                                  experiment::with_knobs(name, {{"scratch", scratch}, {"rows", n}, {"dtype", t}}));
      }
  };
}

}  // namespace

void search_method(const std::string& method, const std::string& data, const MethodKnobs& given,
                   experiment::BottleneckOptions& options) {
  options.knobs = given.knobs;
  for (Knob& k : options.knobs)
    if (k.name == "dtype") std::transform(k.values.begin(), k.values.end(), k.values.begin(), float_type);
  const Knob* const rows = find(options.knobs, "rows");
  const Knob* const dtype = find(options.knobs, "dtype");
  MethodSpec spec = MethodSpec::parse(method);
  const Method& found = find_method(spec.name);
  if (find(options.knobs, "batch") != nullptr) {
    if (!has_option(found, "batch")) fail_usage(fmt::format("--batch: the method {} has no batches", spec.name));
    spec.options["batch"] = "{batch}";
  }
  // A method that computes in a float type of its own, whatever the table's, is asked for the same.
  if (dtype != nullptr && has_option(found, "dtype")) spec.options["dtype"] = "{dtype}";
  std::string table = data;
  if (rows != nullptr || dtype != nullptr) {
    if (rows != nullptr)
      for (const std::string& n : rows->values) (void)row_count(n);
    table = fmt::format("{{scratch}}/table{}{}{}", rows == nullptr ? "" : "-{rows}", dtype == nullptr ? "" : "-{dtype}",
                        suffix_of(data));
    options.prepare = tables(data, rows, dtype, table);
  }
  options.command = {std::filesystem::read_symlink("/proc/self/exe").string(),
                     "compress",
                     table,
                     "-o",
                     "{scratch}/out.hay",
                     "--force",
                     "--method",
                     spec.text()};
  if (find(options.knobs, "threads") != nullptr)
    options.command.insert(options.command.end(), {"--threads", "{threads}"});
  for (const std::string& b : given.bounds) options.command.insert(options.command.end(), {"--bound", b});
}

}  // namespace haywatt::cli
