#include "record/store_schema.hpp"

#include <fmt/format.h>

#include <map>

#include "haywatt/base/error.hpp"

namespace haywatt::record {
namespace {

constexpr int application_id = 0x48415957;  // "HAYW"
constexpr int schema_version = 1;

constexpr const char* study_table =
    "CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), title TEXT, command TEXT, started TEXT, finished TEXT, "
    "haywatt_version TEXT, machine_id TEXT, cpu_name TEXT, json TEXT NOT NULL)";
constexpr const char* run_table =
    "CREATE TABLE run (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, id TEXT, label TEXT, method TEXT, bound "
    "TEXT, "
    "threads INTEGER, repeat INTEGER, started TEXT, status TEXT, reason TEXT, rows INTEGER, columns INTEGER, raw_B "
    "INTEGER, compressed_B INTEGER, model_B INTEGER, wall_s REAL, cpu_s REAL, rss_peak_B INTEGER, rss_start_B INTEGER, "
    "read_B INTEGER, written_B INTEGER, energy_sensor TEXT, energy_boundary TEXT, energy_attributed_J REAL, "
    "energy_marginal_J REAL, json TEXT NOT NULL)";

}  // namespace

void create_schema(Database& db) {
  db.execute("BEGIN");
  db.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
  db.execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str());
  db.execute(study_table);
  db.execute(run_table);
  db.execute("COMMIT");
}

void check_schema(Database& db) {
  if (db.whole_of("PRAGMA application_id") != application_id) fail_input(db.path() + " is not a study database");
  const auto version = db.whole_of("PRAGMA user_version");
  if (version != schema_version)
    fail_input(fmt::format("{} has schema version {}, this haywatt knows {}: use a newer haywatt", db.path(), version,
                           schema_version));
  std::map<std::string, std::string> wanted = {{"study", study_table}, {"run", run_table}};
  Statement s(db, "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE type <> 'index'");
  while (s.step()) {
    const auto table = wanted.find(s.column_text(1));
    if (s.column_text(0) != "table" || table == wanted.end() || table->second != s.column_text(2))
      fail_input(db.path() + " is no study database: its tables are not those of docs/records.md");
    wanted.erase(table);
  }
  if (!wanted.empty()) fail_input(db.path() + " is no study database: a table is missing");
}

}  // namespace haywatt::record
