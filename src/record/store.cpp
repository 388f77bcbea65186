#include "haywatt/record/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "record/json_fields.hpp"
#include "record/sqlite.hpp"
#include "record/store_schema.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::Database;
using record::Statement;

const EnergyFigure* whole_run(const RunRecord& r, const char* rule) {
  for (const EnergyFigure& e : r.energy)
    if (e.known && e.share == "process-tree" && e.rule == rule) return &e;
  return nullptr;
}

json parsed(const std::string& text, const std::string& path) {
  json j = json::parse(text, nullptr, false);
  if (j.is_discarded()) fail_input(path + " is damaged: a record in it is not JSON; restore it from a copy");
  return j;
}

class SqliteStore final : public StudyStore {
 public:
  SqliteStore(const std::string& path, Database::Mode mode) : db_(path, mode) {
    if (mode == Database::Mode::Create)
      record::create_schema(db_);
    else
      record::check_schema(db_);
  }

  void put_study(const StudyRecord& study) override {
    StudyRecord header = study;
    header.runs.clear();
    json j = header;
    j.erase("runs");
    Statement s(db_,
                "INSERT OR REPLACE INTO study (id, title, command, started, finished, haywatt_version, machine_id, "
                "cpu_name, json) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)");
    s.text(study.title).text(study.command).text(study.started).text(study.finished);
    s.text(study.haywatt_version).text(study.machine.id).text(study.machine.cpu_name).text(j.dump());
    s.run();
  }

  [[nodiscard]] std::optional<StudyRecord> study() const override {
    Statement header(db_, "SELECT json FROM study WHERE id = 1");
    if (!header.step()) return std::nullopt;
    auto study = parsed(header.column_text(0), db_.path()).get<StudyRecord>();
    Statement runs(db_, "SELECT json FROM run ORDER BY seq");
    while (runs.step()) study.runs.push_back(parsed(runs.column_text(0), db_.path()).get<RunRecord>());
    return study;
  }

  void put_run(const std::string& key, const RunRecord& r) override {
    const EnergyFigure* attributed = whole_run(r, "attributed");
    const EnergyFigure* marginal = whole_run(r, "marginal");
    const EnergyFigure* named = attributed != nullptr ? attributed : marginal;
    Statement s(db_,
                "INSERT INTO run (key, id, label, method, bound, threads, repeat, started, status, reason, rows, "
                "columns, raw_B, compressed_B, model_B, wall_s, cpu_s, rss_peak_B, rss_start_B, read_B, written_B, "
                "energy_sensor, energy_boundary, energy_attributed_J, energy_marginal_J, json) "
                "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    s.text(key).text(r.id).text(r.label).text(r.method).text(r.bound);
    s.whole(static_cast<std::uint64_t>(r.threads)).whole(static_cast<std::uint64_t>(r.repeat));
    s.text(r.started).text(r.status).text(r.reason).whole(r.rows).whole(r.columns);
    s.whole(r.raw_B).whole(r.compressed_B).whole(r.model_B).real(r.wall_s).real(r.cpu_s);
    s.whole(r.rss_peak_B).whole(r.rss_start_B).whole(r.read_B).whole(r.written_B);
    if (named != nullptr)
      s.text(named->sensor).text(named->boundary);
    else
      s.null().null();
    for (const EnergyFigure* e : {attributed, marginal})
      if (e != nullptr)
        s.real(e->joules.value);
      else
        s.null();
    s.text(json(r).dump());
    s.run();
  }

  [[nodiscard]] bool has_run(const std::string& key) const override {
    Statement s(db_, "SELECT 1 FROM run WHERE key = ?");
    s.text(key);
    return s.step();
  }

  void mark_finished(const std::string& time) override {
    Statement header(db_, "SELECT json FROM study WHERE id = 1");
    if (!header.step()) fail_usage(db_.path() + " holds no study yet: put_study comes before mark_finished");
    json j = parsed(header.column_text(0), db_.path());
    j["finished"] = record::utf8(time);
    header.reset();
    Statement s(db_, "UPDATE study SET finished = ?, json = ? WHERE id = 1");
    s.text(time).text(j.dump());
    s.run();
  }

 private:
  Database db_;
};

}  // namespace

std::unique_ptr<StudyStore> StudyStore::open(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) fail_system("cannot open " + path + ": no such file");
  if (std::filesystem::is_directory(path, ignored)) fail_input(path + " is a directory, not a study database");
  return std::make_unique<SqliteStore>(path, Database::Mode::Open);
}

std::unique_ptr<StudyStore> StudyStore::create(const std::string& path) {
  // Claimed first: of two programs that create the same study at once, one is told that it exists.
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) fail_errno("cannot create " + path, errno);
  ::close(fd);
  try {
    return std::make_unique<SqliteStore>(path, Database::Mode::Create);
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
}

}  // namespace haywatt
