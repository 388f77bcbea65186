// One run of an external method: commands under the program meter, then the comparison.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <new>
#include <set>
#include <system_error>

#include "experiment/external_commands.hpp"
#include "experiment/fidelity.hpp"
#include "experiment/handed_table.hpp"
#include "experiment/merged_run.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/worker.hpp"
#include "haywatt/meter/program_meter.hpp"

namespace haywatt::experiment {
namespace {

namespace fs = std::filesystem;

constexpr double version_timeout_s = 60.0;
constexpr std::uint64_t rows_scanned_at_once = 65'536;

/// A folder that is made anew and gone at the end.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& path) : path_(fs::absolute(path)) {
    std::error_code error;
    fs::remove_all(path_, error);
    if (!fs::create_directories(path_, error))
      fail_system(fmt::format("cannot make the folder {}: {}", path_.string(), error.message()));
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

/// Bytes of a file, or of all files in a folder. Error(BadInput) for a link: what it points to is not stored with it.
std::uint64_t stored_bytes(const fs::path& path, const std::string& step, const std::string& what) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (!fs::exists(status)) fail_input(fmt::format("{} left no {}", step, what));
  if (fs::is_regular_file(status)) return fs::file_size(path);
  if (!fs::is_directory(status)) fail_input(fmt::format("{}: {} is neither file nor folder", step, what));
  std::uint64_t sum = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_symlink())
      fail_input(fmt::format("{}: {} has a link in it: {}", step, what, entry.path().filename().string()));
    if (entry.is_regular_file()) sum += entry.file_size();
  }
  return sum;
}

/// Removes everything in `folder` but the paths of `kept` (relative to `root`) and what lies in them.
void keep_only(const fs::path& root, const fs::path& folder, const std::set<std::string>& kept) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(root).string();
    if (kept.contains(path)) continue;
    const bool leads =
        std::any_of(kept.begin(), kept.end(), [&](const std::string& k) { return k.starts_with(path + "/"); });
    if (leads && entry.is_directory() && !entry.is_symlink())
      keep_only(root, entry.path(), kept);
    else
      fs::remove_all(entry.path());
  }
}

std::string last_line(const std::string& text) {
  std::string last;
  for (std::string line : split(text, '\n')) {
    line.erase(0,
               line.rfind('\r') == std::string::npos ? 0 : line.rfind('\r') + 1);  // a progress bar draws over itself
    if (line.find_first_not_of(" \t") != std::string::npos) last = line;
  }
  std::replace_if(
      last.begin(), last.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return last.substr(0, 300);
}

/// A program named with a folder is looked for from the plan's folder on, one without it in PATH.
std::string program_path(const std::string& word, const fs::path& folder) {
  return word.find('/') == std::string::npos || word.front() == '/' ? word
                                                                    : (folder / word).lexically_normal().string();
}

fs::path plan_folder(const ExternalMethod& method) {
  fs::path folder = fs::absolute(method.folder.empty() ? "." : method.folder).lexically_normal();
  return folder.has_filename() ? folder : folder.parent_path();
}

/// Why it did not do its work; empty if it did.
std::string why_failed(const meter::ProgramResult& result, Step step, const std::string& program, double timeout_s) {
  const std::string words = last_line(result.last_words);
  const std::string tail = words.empty() ? "" : ": " + words;
  const char* key = key_of(step);
  if (result.timed_out) return fmt::format("{} took longer than {:.3g} s and was stopped{}", key, timeout_s, tail);
  if (result.run.tree && result.run.tree->exit_code == 127 && result.run.reason.ends_with("no such command"))
    return fmt::format("{}: {} was not found: install it, or write in '{}' of the plan where it lies", key, program,
                       key);
  if (result.exit_code == 126 && words.empty())
    return fmt::format("{}: {} cannot be run: {}", key, program, result.run.reason);
  if (result.interrupted_by != 0) return fmt::format("{} was interrupted", key);
  if (result.exit_code != 0) return fmt::format("{}: {}{}", key, result.run.reason, tail);
  return {};
}

class ExternalRun {
 public:
  ExternalRun(const WorkerJob& job, RunRecord& run)
      : job_(job), method_(*job.external), run_(run), work_(job.output + ".d"), folder_(plan_folder(method_)) {}

  void go() {
    prepare();
    const std::string table = work_ / ("in" + suffix_of(method_.input));
    const std::string packed = work_ / method_.out;
    const std::string decoded = work_ / ("decoded" + suffix_of(method_.output));
    for (const std::string& path : {method_.out, method_.model})
      fs::create_directories(fs::path(work_ / path).parent_path());
    if (!method_.train.empty()) {
      if (!meter(Step::Train, table, "")) return;
      (void)stored_bytes(work_ / method_.model, "train", "{model}");
    }
    if (!meter(Step::Compress, table, packed)) return;
    run_.counts["compress_wall_s"] = run_.wall_s;
    measure_files();
    if (method_.one_way) {
      run_.warnings.emplace_back("one way: nothing was decoded, and what it loses is not known");
      return;
    }
    forget_original();
    if (!meter(Step::Decompress, packed, decoded)) return;
    run_.counts["decompress_wall_s"] = run_.wall_s - run_.counts["compress_wall_s"];
    compare(decoded);
  }

 private:
  /// Everything that is not metered and comes before.
  void prepare() {
    original_ = open_table(job_.data, {job_.memory_B / 4});
    const Schema& schema = original_->schema();
    run_.columns = schema.columns.size();
    for (const TableForm form : {method_.input, method_.output})
      if (const std::string why = cannot_hand_over(schema, form); !why.empty()) fail_unavailable(why);
    for (const std::string& rule : job_.rules) rules_.push_back(parse_bound_rule(rule));
    statistics_ = scan_statistics(*original_, rows_scanned_at_once);
    bounds_ = resolve_bounds(rules_, schema, statistics_);
    hand_over(*original_, job_.data, method_.input, work_ / ("in" + suffix_of(method_.input)));
    values_ = {{"work", work_.path().string()},
               {"plan", folder_.string()},
               {"model", work_ / method_.model},
               {"threads", std::to_string(job_.threads)},
               {"rows", std::to_string(schema.rows())},
               {"columns", std::to_string(schema.columns.size())},
               {"bounds", work_ / "bounds.csv"},
               {"epsilon", ""},
               {"bound", ""}};
    const Bound& first = rules_.front().bound;
    if (first.kind != BoundKind::Lossless && first.kind != BoundKind::None)
      values_["epsilon"] = fmt::format("{}", first.value);
    if (const auto words = method_.guarantee.find(std::string(name_of(first.kind))); words != method_.guarantee.end())
      values_["bound"] = words->second.empty() ? "" : filled(words->second, {{"epsilon", values_["epsilon"]}});
    if (command_template(method_, Step::Compress).uses("bounds")) write_bounds(schema);
  }

  void write_bounds(const Schema& schema) {
    std::string text = "column,kind,epsilon\n";
    for (std::size_t c = 0; c < bounds_.size(); ++c) {
      std::string name = schema.columns[c].name;
      if (name.find_first_of(",\"\n\r") != std::string::npos) {
        for (std::size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2) name.insert(at, 1, '"');
        name = '"' + name + '"';
      }
      const ResolvedBound& b = bounds_[c];
      const double number = b.kind == BoundKind::Bits ? b.mantissa_bits : b.epsilon;
      text += fmt::format("{},{},{}\n", name, name_of(b.kind), number);
    }
    write_text_file(work_ / "bounds.csv", text);
  }

  /// False: it failed, and the run says why.
  bool meter(Step step, const std::string& in, const std::string& out) {
    values_["in"] = in;
    values_["out"] = out;
    CommandLine line = command_template(method_, step).fill(values_);
    line.words[0] = program_path(line.words[0], folder_);
    meter::ProgramOptions options;
    options.command = line.words;
    options.run_id = fmt::format("{}/{}", job_.id, key_of(step));
    options.phases_from = method_.phases_from;
    options.streams = meter::ProgramOptions::Streams::Discard;
    options.folder = work_.path().string();
    options.input_file = line.input_file.empty() ? "" : absolute_file(line.input_file);
    options.output_file = line.output_file.empty() ? "" : absolute_file(line.output_file);
    options.timeout_s = method_.timeout_s;
    options.dies_with_us = true;
    options.workload = job_.method;
    options.estimate = job_.estimate;
    for (const auto& [name, value] : method_.environment)
      options.environment.push_back(name + "=" + filled(value, values_));
    const meter::ProgramResult result = meter_program(job_.machine, options);
    append_program(run_, result.run, phase_of(step), key_of(step));
    const std::string why = why_failed(result, step, line.words[0], method_.timeout_s);
    if (why.empty()) return true;
    run_.status = "failed";
    run_.reason = why;
    return false;
  }

  [[nodiscard]] std::string absolute_file(const std::string& path) const { return (work_.path() / path).string(); }

  void measure_files() {
    const std::uint64_t packed_B = stored_bytes(work_ / method_.out, "compress", "{out}");
    if (packed_B == 0) fail_input("compress: {out} is empty");
    if (!method_.train.empty()) run_.model_B = stored_bytes(work_ / method_.model, "compress", "{model}");
    for (const std::string& path : method_.stored)
      run_.model_B += stored_bytes(work_ / path, "compress", fmt::format("'{}' ('stored')", path));
    run_.compressed_B = packed_B + run_.model_B;
    run_.rows = original_->schema().rows();
    run_.raw_B = original_->schema().raw_bytes();
  }

  /// What is not counted is not there when it decompresses.
  void forget_original() {
    std::set<std::string> kept(method_.stored.begin(), method_.stored.end());
    kept.insert(method_.out);
    if (!method_.train.empty()) kept.insert(method_.model);
    keep_only(work_.path(), work_.path(), kept);
  }

  void compare(const std::string& decoded) {
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(decoded, error))) fail_input("decompress left no {out}");
    std::string conversion;
    std::unique_ptr<TableReader> table;
    try {
      table = take_back(decoded, method_.output, original_->schema(), job_.memory_B / 4, conversion);
    } catch (const Error& e) {
      fail_input(fmt::format("decompress: {}", e.what()));
    }
    if (!conversion.empty())
      run_.warnings.push_back(fmt::format("it decoded {}; compared after conversion", conversion));
    compare_tables(*original_, *table, bounds_, statistics_, job_.histograms, run_);
  }

  const WorkerJob& job_;
  const ExternalMethod& method_;
  RunRecord& run_;
  WorkFolder work_;
  fs::path folder_;
  std::unique_ptr<TableReader> original_;
  std::vector<BoundRule> rules_;
  std::vector<ColumnStatistics> statistics_;
  std::vector<ResolvedBound> bounds_;
  std::map<std::string, std::string> values_;
};

}  // namespace

RunRecord run_external(const WorkerJob& job) {
  RunRecord run;
  run.id = job.id;
  run.label = job.label;
  run.method = job.method;
  run.method_version = job.version;
  run.bound = job.bound;
  run.data = job.data;
  run.data_xxh3 = job.data_xxh3;
  run.threads = job.threads;
  run.repeat = job.repeat;
  run.started = utc_now();
  try {
    ExternalRun(job, run).go();
  } catch (const std::bad_alloc&) {
    run.status = "failed";
    run.reason = "out of memory";
  } catch (const std::exception& e) {
    run.status = "failed";
    run.reason = e.what();
  }
  return run;
}

std::string version_of(const ExternalMethod& method, const std::string& scratch) {
  if (method.version.empty()) return {};
  std::string said;
  try {
    CommandLine line = command_template(method, Step::Version).fill({{"plan", plan_folder(method).string()}});
    line.words[0] = program_path(line.words[0], plan_folder(method));
    meter::ProgramOptions options;
    options.command = line.words;
    options.streams = meter::ProgramOptions::Streams::Discard;
    options.output_file = scratch;
    options.timeout_s = version_timeout_s;
    options.dies_with_us = true;
    for (const auto& [name, value] : method.environment)
      options.environment.push_back(
          name + "=" + filled(value, {{"plan", plan_folder(method).string()}, {"work", ""}, {"threads", "1"}}));
    const meter::ProgramResult result = meter_program(describe_machine(), options);
    if (result.exit_code == 0) said = read_text_file(scratch, 1 << 20);
  } catch (const Error&) {
    // Its runs will say what is the matter with it.
  }
  fs::remove(scratch);
  for (const std::string& text : split(said, '\n'))
    if (const std::string first = last_line(text); !first.empty()) return first.substr(0, 200);
  return {};
}

}  // namespace haywatt::experiment
