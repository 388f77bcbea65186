#include "haywatt/base/file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "haywatt/base/error.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt {
namespace {

using Existing = AtomicFile::Existing;

ErrorKind kind_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.kind();
  }
  return ErrorKind{0};
}

TEST(AtomicFile, AppearsOnlyAtCommit) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a";
  AtomicFile file(path);
  file.append(as_byte_span("hello"));
  EXPECT_TRUE(folder.entries().empty());
  file.write_at(0, as_byte_span("J"));
  file.commit();
  EXPECT_EQ(read_text_file(path), "Jello");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"a"});
}

TEST(AtomicFile, AbandonedLeavesTheOldFile) {
  const test::TemporaryFolder folder;
  write_text_file(folder / "a", "old");
  {
    AtomicFile file(folder / "a", Existing::Replace);
    file.append(as_byte_span("new"));
  }
  EXPECT_EQ(read_text_file(folder / "a"), "old");
  EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(AtomicFile, RefusesToReplaceUnasked) {
  const test::TemporaryFolder folder;
  write_text_file(folder / "a", "old");
  EXPECT_EQ(kind_of([&] { AtomicFile file(folder / "a"); }), ErrorKind::Usage);
  // A file that appears while we write is not overwritten either.
  AtomicFile file(folder / "b");
  write_text_file(folder / "b", "first");
  EXPECT_EQ(kind_of([&] { file.commit(); }), ErrorKind::Usage);
  EXPECT_EQ(read_text_file(folder / "b"), "first");
}

TEST(AtomicFile, ReplaceKeepsPermissions) {
  const test::TemporaryFolder folder;
  write_text_file(folder / "a", "old");
  std::filesystem::permissions(folder / "a", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  write_text_file(folder / "a", "new");
  EXPECT_EQ(std::filesystem::status(folder / "a").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(AtomicFile, AFullDiskIsASystemErrorAndLeavesNothing) {
  const test::TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const ErrorKind kind = kind_of([&] {
      AtomicFile file(folder / "a");
      file.append(ByteVector(5000));
      file.commit();
    });
    ::_exit(kind == ErrorKind::System ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(folder.entries().empty());
}

TEST(AtomicFile, MissingFolderAndDevicesAreRefused) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(kind_of([&] { AtomicFile file(folder / "none/a"); }), ErrorKind::System);
  EXPECT_EQ(kind_of([&] { AtomicFile file("/dev/null", Existing::Replace); }), ErrorKind::System);
}

TEST(InputFile, ReadsAndRefuses) {
  const test::TemporaryFolder folder;
  write_text_file(folder / "a", "0123456789");
  const InputFile file(folder / "a");
  EXPECT_EQ(std::string(as_text(file.read_at(3, 4))), "3456");
  EXPECT_EQ(kind_of([&] { (void)file.read_at(8, 3); }), ErrorKind::BadInput);
  EXPECT_EQ(kind_of([&] { (void)file.read_at(UINT64_MAX, 2); }), ErrorKind::BadInput);
  EXPECT_EQ(kind_of([&] { (void)file.read_at(0, UINT64_MAX); }), ErrorKind::BadInput);
  EXPECT_EQ(kind_of([&] { InputFile f(folder / "none"); }), ErrorKind::System);
  EXPECT_EQ(kind_of([&] { InputFile f(folder.path()); }), ErrorKind::BadInput);
}

}  // namespace
}  // namespace haywatt
