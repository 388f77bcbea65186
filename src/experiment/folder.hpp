/// The folder of a study: what lies there, what may be replaced.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "haywatt/record/store.hpp"

namespace haywatt::experiment {

/// What is about to run, as far as it decides whether the folder's study is the same one.
struct StudyHeader {
  StudyRecord record;    ///< without runs; plan_toml set
  std::string identity;  ///< plan_identity
};

class StudyFolder {
 public:
  /// Opens or makes the folder and its store as StudyRequest says; the store then has `header` or the header of the
  /// study that is resumed.
  StudyFolder(const std::string& path, const StudyHeader& header, bool force);
  ~StudyFolder();
  StudyFolder(const StudyFolder&) = delete;
  StudyFolder& operator=(const StudyFolder&) = delete;
  [[nodiscard]] StudyStore& store() { return *store_; }
  [[nodiscard]] bool finished() const { return finished_; }
  /// The unfinished study that goes on here, with its runs; nothing for a new one.
  [[nodiscard]] const std::optional<StudyRecord>& resumed() const { return resumed_; }
  /// Where a run may put its file; removed at the end, and before the next study if this one was killed.
  [[nodiscard]] std::string scratch_file() const;

 private:
  void replace();
  std::string path_;
  std::unique_ptr<StudyStore> store_;
  bool finished_ = false;
  std::optional<StudyRecord> resumed_;
};

[[nodiscard]] std::string store_path(const std::string& folder);

}  // namespace haywatt::experiment
