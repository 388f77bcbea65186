/// Records in SQLite: each run is written at once, so that an interrupted study loses nothing it finished.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/record.hpp"

namespace haywatt {

/// study.sqlite (schema in docs/records.md: tables `study`, `run` with the main figures as columns and the whole record
/// as JSON). One process at a time; Error(System) "in use by another haywatt" if locked. Error(BadInput) if it is not
/// such a database.
class StudyStore {
 public:
  static std::unique_ptr<StudyStore> open(const std::string& path);    ///< must exist
  static std::unique_ptr<StudyStore> create(const std::string& path);  ///< must not exist
  virtual ~StudyStore() = default;
  virtual void put_study(const StudyRecord& study) = 0;                    ///< header only; replaces
  [[nodiscard]] virtual std::optional<StudyRecord> study() const = 0;      ///< with all runs, in order of writing
  virtual void put_run(const std::string& key, const RunRecord& run) = 0;  ///< durable when it returns; `key` unique
  [[nodiscard]] virtual bool has_run(const std::string& key) const = 0;
  virtual void mark_finished(const std::string& time) = 0;
};

}  // namespace haywatt
