#include "record/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "haywatt/base/error.hpp"
#include "record/json_fields.hpp"

namespace haywatt::record {
namespace {

constexpr int patience_ms = 2'000;           ///< for another process that only reads a report's records
constexpr int longest_record_B = 256 << 20;  ///< of one value; a hostile file cannot make us take more

}  // namespace

Database::Database(const std::string& path, Mode mode) : path_(path) {
  // An absolute path, because SQLite gives names such as ":memory:" a meaning of their own.
  const std::string absolute = std::filesystem::absolute(path).string();
  const int create = mode == Mode::Create ? SQLITE_OPEN_CREATE : 0;
  int code = sqlite3_open_v2(absolute.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create, nullptr);
  try {
    if (code != SQLITE_OK) fail(code);
    configure();
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

Database::~Database() { sqlite3_close(db_); }

void Database::configure() {
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, patience_ms);
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, longest_record_B);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  execute("PRAGMA cell_size_check = ON");
  execute("PRAGMA synchronous = EXTRA");
  // In this mode the lock that the first transaction takes is kept until the database is closed.
  execute("PRAGMA locking_mode = EXCLUSIVE");
  execute(sqlite3_db_readonly(db_, "main") == 1 ? "BEGIN" : "BEGIN EXCLUSIVE");
  execute("COMMIT");
}

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::whole_of(const char* sql) const {
  Statement s(*this, sql);
  return s.step() ? s.column_whole(0) : 0;
}

void Database::fail(int code) const {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail_system(path_ + " is in use by another haywatt: wait until it ends");
    case SQLITE_NOTADB:
      fail_input(path_ + " is not a study database");
    case SQLITE_CORRUPT:
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:
      fail_input(
          fmt::format("{} is damaged or no study database ({}): restore it from a copy", path_, sqlite3_errmsg(db_)));
    case SQLITE_CONSTRAINT:
      fail_usage(path_ + " already holds a run of that key");
    default:
      fail_system(fmt::format("cannot use {}: {}", path_, db_ == nullptr ? "out of memory" : sqlite3_errmsg(db_)));
  }
}

Statement::Statement(const Database& db, const char* sql) : db_(db) {
  const int code = sqlite3_prepare_v2(db.db_, sql, -1, &statement_, nullptr);
  if (code != SQLITE_OK) db_.fail(code);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::text(const std::string& value) {
  const std::string clean = utf8(value);
  sqlite3_bind_text64(statement_, next_++, clean.data(), clean.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::whole(std::uint64_t value) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto clamped = value > static_cast<std::uint64_t>(most) ? most : static_cast<std::int64_t>(value);
  sqlite3_bind_int64(statement_, next_++, clamped);
  return *this;
}

Statement& Statement::real(double value) {
  if (!std::isfinite(value)) return null();
  sqlite3_bind_double(statement_, next_++, value);
  return *this;
}

Statement& Statement::null() {
  sqlite3_bind_null(statement_, next_++);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) db_.fail(code);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

std::string Statement::column_text(int i) {
  if (sqlite3_column_type(statement_, i) != SQLITE_TEXT)
    fail_input(db_.path() + " is damaged: a record in it is not text; restore it from a copy");
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, i));
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, i))};
}

std::int64_t Statement::column_whole(int i) { return sqlite3_column_int64(statement_, i); }

}  // namespace haywatt::record
