#include "experiment/folder.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"

namespace haywatt::experiment {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

/// The identity in a stored plan's first line, "# haywatt plan 0123456789abcdef".
std::string stored_identity(const std::string& plan_toml) {
  constexpr std::string_view start = "# haywatt plan ";
  return plan_toml.starts_with(start) ? plan_toml.substr(start.size(), 16) : std::string();
}

/// Why the study found cannot be gone on with; empty if it can.
std::string why_another(const StudyRecord& found, const StudyHeader& wanted) {
  if (stored_identity(found.plan_toml) != wanted.identity) return "a study of another plan or other data";
  if (!found.finished.empty()) return {};
  if (found.machine.id != wanted.record.machine.id) return "an unfinished study begun on another machine";
  if (found.haywatt_version != wanted.record.haywatt_version)
    return "an unfinished study begun by haywatt " + found.haywatt_version;
  return {};
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_system(fmt::format("cannot make the folder {}: {}", path, error.message()));
}

}  // namespace

std::string store_path(const std::string& folder) { return folder + "/study.sqlite"; }

StudyFolder::StudyFolder(const std::string& path, const StudyHeader& header, bool force) : path_(path) {
  std::error_code error;
  if (exists(path) && !fs::is_directory(path, error)) fail_usage(path + " is not a folder: choose another with -o");
  make_folder(path);
  if (exists(store_path(path))) {
    try {
      store_ = StudyStore::open(store_path(path));
    } catch (const Error& e) {
      if (!force || e.kind() != ErrorKind::BadInput) throw;  // one in use by another is never replaced
    }
    auto found = store_ ? store_->study() : std::nullopt;
    const std::string other = found ? why_another(*found, header) : std::string();
    if (found && other.empty() && !(force && !found->finished.empty())) {
      finished_ = !found->finished.empty();
      if (!finished_) {
        resumed_ = std::move(found);
        make_folder(path_ + "/.work");
      }
      return;
    }
    if (found && !force)
      fail_usage(fmt::format("{} holds {}: choose another folder with -o, or replace it with --force", path, other));
    // Nothing is lost with a store that was never given a header.
    replace();
  }
  store_ = StudyStore::create(store_path(path));
  store_->put_study(header.record);
  make_folder(path_ + "/.work");
}

StudyFolder::~StudyFolder() {
  std::error_code ignored;
  fs::remove_all(path_ + "/.work", ignored);
}

void StudyFolder::replace() {
  store_.reset();
  for (const char* name : {"study.sqlite", "study.sqlite-journal", "study.sqlite-wal", "study.sqlite-shm",
                           "metrics.json", "report.html", "report.md"})
    ::unlink((path_ + "/" + name).c_str());
}

std::string StudyFolder::scratch_file() const { return fmt::format("{}/.work/{}.hay", path_, ::getpid()); }

}  // namespace haywatt::experiment
