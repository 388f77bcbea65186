/// SQLite with Haywatt's errors: a thin layer, one database and one statement a class.
#pragma once
#include <cstdint>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace haywatt::record {

/// A database held by this process alone until it is destroyed. Not thread-safe.
/// Error(System): locked by another process, disk full, no permission. Error(BadInput): not a database or damaged.
class Database {
 public:
  enum class Mode { Create, Open };
  /// A database that may only be read is opened for reading; every write then fails with Error(System).
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  void execute(const char* sql);
  [[nodiscard]] std::int64_t whole_of(const char* sql) const;  ///< first column of the first row
  [[noreturn]] void fail(int code) const;                      ///< the error that SQLite's `code` means to a user

 private:
  friend class Statement;
  void configure();
  std::string path_;
  sqlite3* db_ = nullptr;
};

/// A prepared statement whose parameters are bound from left to right. `sql` and the database must outlive it.
class Statement {
 public:
  Statement(const Database& db, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& text(const std::string& value);  ///< malformed UTF-8 is replaced
  Statement& whole(std::uint64_t value);      ///< values over 2^63-1 become that
  Statement& real(double value);              ///< NULL if not finite
  Statement& null();
  bool step();  ///< true: there is a row
  void run();   ///< a statement without rows
  void reset();
  [[nodiscard]] std::string column_text(int i);  ///< Error(BadInput) if it is not text
  [[nodiscard]] std::int64_t column_whole(int i);

 private:
  const Database& db_;
  sqlite3_stmt* statement_ = nullptr;
  int next_ = 1;
};

}  // namespace haywatt::record
