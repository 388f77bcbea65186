#include "haywatt/experiment/operator_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/codec/baler/operator_hooks.hpp"
#include "haywatt/experiment/profile.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::size_t most_files = 256;
constexpr std::uint64_t most_bytes = std::uint64_t{16} << 20;

/// Reads one file; false if it is none of ours.
bool read_profile(const std::string& path, ProfileRecord& out) {
  try {
    out = nlohmann::json::parse(read_text_file(path, most_bytes)).get<ProfileRecord>();
    return true;
  } catch (const Error&) {
  } catch (const nlohmann::json::exception&) {
  }
  return false;
}

void add_known(double& sum, double term) { sum = sum < 0.0 || term < 0.0 ? -1.0 : sum + term; }

using Key = std::tuple<std::string, std::string, std::string, std::string>;

void add(std::map<Key, OperatorRecord>& all, const OperatorRecord& o) {
  const auto [it, fresh] = all.try_emplace({o.phase, o.layer, o.name, o.dtype}, o);
  if (fresh) return;
  OperatorRecord& sum = it->second;
  sum.calls += o.calls;
  sum.cpu_s += o.cpu_s;
  sum.device_s += o.device_s;
  sum.allocated_B += o.allocated_B;
  sum.parameters = std::max(sum.parameters, o.parameters);
  for (const auto member : {&OperatorRecord::wall_s, &OperatorRecord::macs, &OperatorRecord::flops,
                            &OperatorRecord::read_B, &OperatorRecord::written_B})
    add_known(sum.*member, o.*member);
}

}  // namespace

OperatorFile::OperatorFile() {
  const char* folder = std::getenv(operator_folder_variable);
  if (folder == nullptr || *folder == '\0') return;
  path_ = fmt::format("{}/{}.json", folder, ::getpid());
  recorder_ = std::make_unique<trace::OperatorRecorder>();
  recorder_->start();
}

OperatorFile::~OperatorFile() {
  if (!recorder_) return;
  try {
    const baler::HookCost hooked = baler::stop_operator_hooks();
    trace::OperatorTotals totals = recorder_->stop();
    if (totals.operators.empty()) return;
    ProfileRecord record;
    record.operators = std::move(totals.operators);
    record.profiler_cpu_s = totals.recorder_cpu_s;
    if (const std::string note = sampled_batches(hooked.batches, hooked.batches_seen); !note.empty())
      record.notes.push_back(note);
    write_text_file(path_, nlohmann::json(record).dump() + "\n");
  } catch (...) {
    // The profiler says that it heard of no operators.
  }
}

OperatorFolder::OperatorFolder() {
  const char* temporary = std::getenv("TMPDIR");
  std::string pattern =
      std::string(temporary != nullptr && *temporary != '\0' ? temporary : "/tmp") + "/haywatt-operators-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return;
  folder_ = pattern;
  ::setenv(operator_folder_variable, folder_.c_str(), 1);
}

OperatorFolder::~OperatorFolder() {
  if (folder_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void OperatorFolder::collect(ProfileRecord& record) const {
  if (folder_.empty()) return;
  std::vector<std::string> paths;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failed))
    if (entry.path().extension() == ".json" && entry.is_regular_file(failed)) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::size_t passed_over = paths.size() > most_files ? paths.size() - most_files : 0;
  if (paths.size() > most_files) paths.resize(most_files);
  std::map<Key, OperatorRecord> all;
  double own_cpu_s = 0.0;
  for (const std::string& path : paths) {
    ProfileRecord one;
    if (!read_profile(path, one)) {
      ++passed_over;
      continue;
    }
    for (const OperatorRecord& o : one.operators) add(all, o);
    record.notes.insert(record.notes.end(), one.notes.begin(), one.notes.end());
    own_cpu_s += std::max(0.0, one.profiler_cpu_s);
  }
  if (passed_over > 0)
    record.notes.push_back(fmt::format("the operators of {} processes could not be read", passed_over));
  if (all.empty()) return;
  for (auto& entry : all) record.operators.push_back(std::move(entry.second));
  std::stable_sort(record.operators.begin(), record.operators.end(),
                   [](const OperatorRecord& a, const OperatorRecord& b) { return a.cpu_s > b.cpu_s; });
  if (record.profiler_cpu_s >= 0.0) record.profiler_cpu_s += own_cpu_s;
  share_energy(record);
}

}  // namespace haywatt::experiment
