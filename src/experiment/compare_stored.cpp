// Comparisons of runs that were metered before.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "experiment/clock.hpp"
#include "experiment/compare_metrics.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::uint64_t largest_record_B = std::uint64_t{256} << 20;

ProgramRecord load_run(const std::string& path) {
  try {
    const auto json = nlohmann::json::parse(read_text_file(path, largest_record_B));
    return json.get<ProgramRecord>();
  } catch (const nlohmann::json::exception&) {
    fail_input(path + ": not JSON; give files that 'haywatt meter -o' wrote");
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::BadInput || std::string(e.what()).find(path) != std::string::npos) throw;
    fail_input(path + ": " + e.what());
  }
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ".json") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  if (files.empty()) fail_input(folder + ": no *.json file in this folder");
  return files;
}

void add_runs(char side, const std::vector<ProgramRecord>& runs, ComparisonRecord& record) {
  for (const ProgramRecord& r : runs) {
    ComparedRun& kept = record.runs.emplace_back();
    kept.side = side;
    kept.pair = -1;
    kept.exit_code = r.run.tree ? r.run.tree->exit_code : 0;
    kept.run = r.run;
  }
}

}  // namespace

std::vector<ProgramRecord> load_runs(const std::vector<std::string>& paths, ComparedSide& side) {
  side.files.clear();
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) {
      side.files.push_back(path);
      continue;
    }
    const auto inside = files_in(path);
    side.files.insert(side.files.end(), inside.begin(), inside.end());
  }
  std::vector<ProgramRecord> runs;
  for (const std::string& file : side.files) runs.push_back(load_run(file));
  if (!runs.empty()) side.command = runs.front().run.label;
  return runs;
}

ComparisonRecord compare_stored(const ComparedSide& a, const std::vector<ProgramRecord>& of_a, const ComparedSide& b,
                                const std::vector<ProgramRecord>& of_b, const CompareOptions& options) {
  if (of_a.empty() || of_b.empty()) fail_usage("a comparison of stored runs needs at least one run of A and one of B");
  ComparisonRecord record;
  record.a = a;
  record.b = b;
  record.started = record.finished = utc_now();
  record.machine = of_a.front().machine;
  record.haywatt_version = of_a.front().haywatt_version;
  record.paired = false;
  record.stopped_by = "stored";
  record.fail_if_worse = options.fail_if_worse;
  add_runs('A', of_a, record);
  add_runs('B', of_b, record);
  conclude(record, options.on, 0.95);
  const auto elsewhere = [&](const ProgramRecord& r) { return r.machine.id != record.machine.id; };
  if (std::any_of(of_a.begin(), of_a.end(), elsewhere) || std::any_of(of_b.begin(), of_b.end(), elsewhere))
    record.notes.push_back("the runs were made on different machines: the ratio compares machines as much as programs");
  if (of_a.size() < 2 || of_b.size() < 2)
    record.notes.push_back("one run on a side does not show how much runs scatter: store several of each");
  return record;
}

}  // namespace haywatt::experiment
