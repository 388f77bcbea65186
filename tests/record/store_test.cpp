#include "haywatt/record/store.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "record/example_records.hpp"

namespace haywatt {
namespace {

namespace fs = std::filesystem;

class Store : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "haywatt-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const char* name = "study.sqlite") const { return (folder_ / name).string(); }

  void write_example() const {
    const auto store = StudyStore::create(path());
    store->put_study(test::example_study());
    store->put_run("k1", test::example_run("a"));
    store->put_run("k2", test::example_run("b"));
  }
  void sql(const char* text) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  fs::path folder_;
};

template <class F>
ErrorKind error_of(F&& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::CheckFailed;
}

TEST_F(Store, WhatGoesInComesOutInOrder) {
  write_example();
  const auto store = StudyStore::open(path());
  EXPECT_TRUE(store->has_run("k1"));
  EXPECT_FALSE(store->has_run("k3"));
  const auto study = store->study();
  ASSERT_TRUE(study.has_value());
  EXPECT_EQ(nlohmann::json(*study), nlohmann::json(test::example_study()));
  store->mark_finished("2025-01-02T04:00:00Z");
  EXPECT_EQ(store->study()->finished, "2025-01-02T04:00:00Z");
  store->put_study(test::example_study());
  EXPECT_EQ(store->study()->runs.size(), 2U);  // the header is replaced, the runs stay
}

TEST_F(Store, EmptyStoreHasNoStudy) {
  EXPECT_FALSE(StudyStore::create(path())->study().has_value());
  EXPECT_EQ(error_of([&] { StudyStore::open(path())->mark_finished("now"); }), ErrorKind::Usage);
}

TEST_F(Store, KeysAreUnique) {
  const auto store = StudyStore::create(path());
  store->put_run("k", test::example_run("a"));
  EXPECT_EQ(error_of([&] { store->put_run("k", test::example_run("b")); }), ErrorKind::Usage);
  store->put_run("k2", test::example_run("b"));  // still usable
}

TEST_F(Store, MainFiguresAreColumns) {
  {
    const auto store = StudyStore::create(path());
    store->put_run("known", test::example_run("a"));
    RunRecord unknown = test::example_run("b");
    for (auto& e : unknown.energy) e.known = false;
    store->put_run("unknown", unknown);
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
  sqlite3_stmt* s = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db,
                               "SELECT method, compressed_B, energy_attributed_J, energy_marginal_J, energy_sensor "
                               "FROM run ORDER BY seq",
                               -1, &s, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(s), SQLITE_ROW);
  EXPECT_STREQ(reinterpret_cast<const char*>(sqlite3_column_text(s, 0)), "zstd:level=19");
  EXPECT_EQ(sqlite3_column_int64(s, 1), 400'000);
  EXPECT_DOUBLE_EQ(sqlite3_column_double(s, 2), 5.0);
  EXPECT_DOUBLE_EQ(sqlite3_column_double(s, 3), 2.5);
  ASSERT_EQ(sqlite3_step(s), SQLITE_ROW);
  for (const int i : {2, 3, 4}) EXPECT_EQ(sqlite3_column_type(s, i), SQLITE_NULL) << "unknown must never be 0 J";
  sqlite3_finalize(s);
  sqlite3_close(db);
}

TEST_F(Store, MustExistOrMustNot) {
  EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::System);
  write_example();
  EXPECT_EQ(error_of([&] { StudyStore::create(path()); }), ErrorKind::System);
  EXPECT_EQ(error_of([&] { StudyStore::create(path("no/such/folder")); }), ErrorKind::System);
  EXPECT_EQ(error_of([&] { StudyStore::open(folder_.string()); }), ErrorKind::BadInput);
  EXPECT_TRUE(StudyStore::open(path())->has_run("k1"));
}

TEST_F(Store, SecondHaywattIsTurnedAway) {
  write_example();
  const auto first = StudyStore::open(path());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      StudyStore::open(path());
    } catch (const Error& e) {
      const bool told = std::string(e.what()).find("in use by another haywatt") != std::string::npos;
      _exit(told ? e.exit_code() : 99);
    }
    _exit(98);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ErrorKind::System));
}

TEST_F(Store, KilledWriterLosesNothingItFinished) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto store = StudyStore::create(path());
    store->put_study(test::example_study());
    for (int i = 0;; ++i) {
      store->put_run(std::to_string(i), test::example_run("x"));
      std::ofstream(path("done")) << i << std::flush;
    }
  }
  for (int i = 0; i < 1000; ++i) {
    usleep(5'000);
    int finished = -1;
    std::ifstream(path("done")) >> finished;
    if (finished >= 5) break;
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  int finished = -1;
  std::ifstream(path("done")) >> finished;
  const auto store = StudyStore::open(path());
  EXPECT_GE(store->study()->runs.size(), static_cast<std::size_t>(std::max(finished, 0)) + (finished >= 0 ? 1U : 0U));
  store->put_run("after", test::example_run("y"));
}

TEST_F(Store, OtherFilesAreBadInput) {
  for (const char* text : {"", "hello", "SQLite format 3",
                           "not a database, but long enough to look at: ............"
                           "......................................................................................"}) {
    write_text_file(path(), text);
    EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::BadInput) << text;
  }
}

TEST_F(Store, OtherDatabasesAreBadInput) {
  sql("CREATE TABLE run (a); CREATE TABLE study (json)");
  EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::BadInput);
  sql("PRAGMA application_id = 1212242263");
  EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::BadInput);
}

TEST_F(Store, NewerVersionsAndForeignObjectsAreRefused) {
  write_example();
  sql("PRAGMA user_version = 2");
  EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::BadInput);
  sql("PRAGMA user_version = 1; CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM study; END");
  EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::BadInput);
  sql("DROP TRIGGER t; ALTER TABLE run RENAME TO hidden; CREATE VIEW run AS SELECT * FROM hidden");
  EXPECT_EQ(error_of([&] { StudyStore::open(path()); }), ErrorKind::BadInput);
}

TEST_F(Store, ForeignRecordsAreBadInput) {
  write_example();
  sql("UPDATE run SET json = '{\"wall_s\": \"x\"}' WHERE key = 'k1'");
  EXPECT_EQ(error_of([&] { (void)StudyStore::open(path())->study(); }), ErrorKind::BadInput);
  sql("UPDATE run SET json = '{' WHERE key = 'k1'");
  EXPECT_EQ(error_of([&] { (void)StudyStore::open(path())->study(); }), ErrorKind::BadInput);
  sql("UPDATE run SET json = x'00' WHERE key = 'k1'");
  EXPECT_EQ(error_of([&] { (void)StudyStore::open(path())->study(); }), ErrorKind::BadInput);
}

/// Flipped bytes: the study or one clear error; never a crash. Text inside a record may change, SQLite has no checksum.
TEST_F(Store, DamageNeverCrashes) {
  write_example();
  const std::string whole = read_text_file(path());
  std::mt19937_64 random(3);
  for (int seed = 0; seed < 300; ++seed) {
    std::string damaged = whole;
    if (seed % 4 == 0) damaged.resize(random() % whole.size());
    for (int flips = 0; flips < 20 && !damaged.empty(); ++flips)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    std::ofstream(path("damaged"), std::ios::binary) << damaged;
    try {
      (void)StudyStore::open(path("damaged"))->study();
    } catch (const Error&) {
    }
    fs::remove(path("damaged"));
  }
}

/// In a child that is nobody, because root may write everywhere.
TEST_F(Store, ReadOnlyStoreCanBeRead) {
  write_example();
  fs::permissions(path(), static_cast<fs::perms>(0444));
  fs::permissions(folder_, static_cast<fs::perms>(0755));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    if (geteuid() == 0 && setresuid(nobody, nobody, nobody) != 0) _exit(97);
    const auto store = StudyStore::open(path());
    if (store->study()->runs.size() != 2) _exit(96);
    try {
      store->put_run("k9", test::example_run("z"));
    } catch (const Error& e) {
      _exit(e.exit_code());
    }
    _exit(98);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 97) GTEST_SKIP() << "this root cannot become nobody";
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ErrorKind::System));
}

/// A limit on file size stands in for the full disk: writes fail the same way.
TEST_F(Store, FullDiskIsASystemErrorAndLosesNothing) {
  write_example();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto store = StudyStore::open(path());
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t size = fs::file_size(path());
    const rlimit limit{size, size};
    setrlimit(RLIMIT_FSIZE, &limit);
    RunRecord large = test::example_run("large");
    large.warnings.assign(1000, std::string(1000, 'x'));
    try {
      store->put_run("large", large);
    } catch (const Error& e) {
      _exit(e.exit_code());
    }
    _exit(98);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ErrorKind::System));
  const auto store = StudyStore::open(path());
  EXPECT_EQ(store->study()->runs.size(), 2U);
  EXPECT_FALSE(store->has_run("large"));
}

}  // namespace
}  // namespace haywatt
