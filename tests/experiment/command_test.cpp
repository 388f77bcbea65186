// `haywatt study` and `haywatt report` as a black box.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "experiment/tables.hpp"
#include "haywatt/experiment/study.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::experiment {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool exists(const std::string& path) { return std::filesystem::exists(path); }

class Commands : public ::testing::Test {
 protected:
  Commands() { testing::write_csv(folder / "t.csv", 300, 3); }

  /// Runs haywatt in the folder; its output is in `out` and `err`.
  int run(const std::vector<std::string>& arguments) {
    int status = 0;
    ::waitpid(start(arguments), &status, 0);
    out = read_file(folder / "out");
    err = read_file(folder / "err");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  /// `err_fd` >= 0 takes the place of standard error.
  pid_t start(const std::vector<std::string>& arguments, int err_fd = -1) {
    std::vector<std::string> words = arguments;
    words.insert(words.begin(), HAYWATT_BINARY);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string in = folder / "";
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (::chdir(in.c_str()) != 0) ::_exit(99);
    ::dup2(::open("out", O_CREAT | O_TRUNC | O_WRONLY, 0644), 1);
    ::dup2(err_fd >= 0 ? err_fd : ::open("err", O_CREAT | O_TRUNC | O_WRONLY, 0644), 2);
    ::execv(argv[0], argv.data());
    ::_exit(99);
  }

  testing::Folder folder;
  std::string out, err;
  const std::vector<std::string> small = {"study",    "t.csv",    "--methods", "zstd,lz4",
                                          "--bounds", "lossless", "--repeats", "2"};
};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(Commands, AStudyPrintsATableAndWritesReports) {
  ASSERT_EQ(run(small), 0) << err;
  EXPECT_EQ(err, "") << "silence in a pipe";
  EXPECT_NE(out.find("zstd"), std::string::npos);
  EXPECT_NE(out.find("B/row"), std::string::npos);
  EXPECT_TRUE(out.ends_with("report: ./t-study/report.html\n")) << out;
  for (const char* name : {"study.sqlite", "metrics.json", "report.html", "report.md"})
    EXPECT_TRUE(exists(folder / ("t-study/" + std::string(name)))) << name;
  EXPECT_EQ(load_study(folder / "t-study").command,
            "haywatt study t.csv --methods zstd,lz4 --bounds lossless --repeats 2");

  const std::string table = out;
  const auto before = std::filesystem::last_write_time(folder / "t-study/study.sqlite");
  ASSERT_EQ(run(small), 0) << err;
  EXPECT_EQ(out, table);
  EXPECT_NE(err.find("finished"), std::string::npos);
  EXPECT_EQ(std::filesystem::last_write_time(folder / "t-study/study.sqlite"), before);

  std::filesystem::remove(folder / "t-study/report.html");
  ASSERT_EQ(run(with(small, {"--json"})), 0) << err;
  EXPECT_EQ(nlohmann::json::parse(out).at("schema"), "haywatt-metrics/1");
  EXPECT_TRUE(exists(folder / "t-study/report.html")) << "a lost report is written again";

  EXPECT_EQ(run({"study", "t.csv", "--methods", "zstd"}), 2) << "another plan in that folder";
  EXPECT_NE(err.find("--force"), std::string::npos);
}

TEST_F(Commands, AMethodThatCannotRunIsARow) {
  testing::write_csv(folder / "one.csv", 50, 1);
  ASSERT_EQ(run({"study", "one.csv", "--methods", "zstd,baler", "--bounds", "range:1e-2", "--repeats", "1"}), 0) << err;
  const StudyRecord study = load_study(folder / "one-study");
  ASSERT_EQ(study.runs.size(), 2u);
  for (const RunRecord& r : study.runs) {
    EXPECT_EQ(r.status, r.method == "zstd" ? "ok" : "failed");
    EXPECT_EQ(r.reason.empty(), r.method == "zstd");
  }
  EXPECT_NE(out.find("failed: "), std::string::npos);
}

TEST_F(Commands, MistakesHaveTheirExitCodes) {
  const struct {
    std::vector<std::string> words;
    int code;
  } mistakes[] = {
      {{"study"}, 2},
      {{"study", "none.csv"}, 4},
      {{"study", "t.csv", "--methods", "no-such"}, 2},
      {{"study", "t.csv", "--methods", "zstd:level=many"}, 2},
      {{"study", "t.csv", "--methods", "zstd:leval=3"}, 2},
      {{"study", "t.csv", "--bounds", "range"}, 2},
      {{"study", "t.csv", "--bounds", "no-such-column=abs:1"}, 2},
      {{"study", "t.csv", "--repeats", "0"}, 2},
      {{"study", "t.csv", "-o", "t.csv"}, 2},
      {{"study", "t.csv", "--tdp", "-3"}, 2},
      {{"study", "t.csv", "--idle-watts", "nan"}, 2},
      {{"study", "bad.npz"}, 3},
      {{"study", "bad.toml"}, 2},
      {{"study", "none.toml"}, 4},
      {{"report", "none"}, 4},
      {{"report", "bad.npz"}, 3},
      {{"report", ".", "--format", "odt"}, 2},
      {{"study-worker"}, 2},
  };
  testing::write_file(folder / "bad.npz", "PK\3\4 nonsense");
  testing::write_file(folder / "bad.toml", "data = 't.csv'\nbound = 'lossless'\n");
  for (const auto& m : mistakes) {
    std::string line;
    for (const std::string& word : m.words) line += " " + word;
    EXPECT_EQ(run(m.words), m.code) << line << "\n" << err;
    EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << line << "\n" << err;
  }
  EXPECT_EQ(run({"study", "bad.toml"}), 2);
  EXPECT_NE(err.find("bad.toml:2: unknown key 'bound'"), std::string::npos) << err;
  EXPECT_FALSE(exists(folder / "t-study"));
}

TEST_F(Commands, CtrlCKeepsTheRunsAndTheSameCommandResumes) {
  testing::write_csv(folder / "t.csv", 3000, 6);
  const std::vector<std::string> words = {"study", "t.csv", "--methods", "zstd,lz4", "--repeats", "12"};
  std::set<std::size_t> kept;
  int interruptions = 0;
  for (int i = 0; i < 30; ++i) {
    const pid_t child = start(words);
    for (int wait = 0; wait < 500 && !exists(folder / "t-study/.work"); ++wait) ::usleep(10000);
    ::usleep(static_cast<useconds_t>(200000 + 100000 * i));
    ::kill(child, i % 2 == 0 ? SIGINT : SIGTERM);
    int status = 0;
    ::waitpid(child, &status, 0);
    // Once the runs are done, a signal may end the writing of the reports at once.
    if (WIFSIGNALED(status) || WEXITSTATUS(status) == 0) {
      EXPECT_FALSE(load_study(folder / "t-study").finished.empty());
      break;
    }
    EXPECT_EQ(WEXITSTATUS(status), i % 2 == 0 ? 130 : 143);
    const std::string said = read_file(folder / "err");
    EXPECT_NE(said.find("runs kept; the same command resumes"), std::string::npos) << said;
    ++interruptions;
    kept.insert(load_study(folder / "t-study").runs.size());
    EXPECT_FALSE(exists(folder / "t-study/.work"));
  }
  EXPECT_GT(interruptions, 0);
  ASSERT_EQ(run(words), 0) << err;
  const StudyRecord study = load_study(folder / "t-study");
  std::set<std::string> ids;
  for (const RunRecord& r : study.runs) ids.insert(r.id);
  EXPECT_EQ(study.runs.size(), 48u);
  EXPECT_EQ(ids.size(), 48u);
}

TEST_F(Commands, ATerminalSeesProgress) {
  int primary = -1;
  int terminal = -1;
  ASSERT_EQ(::openpty(&primary, &terminal, nullptr, nullptr, nullptr), 0);
  const pid_t child = start(small, terminal);
  ::close(terminal);
  std::string seen;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; (n = ::read(primary, piece.data(), piece.size())) > 0;)
    seen.append(piece.data(), static_cast<std::size_t>(n));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(primary);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_NE(seen.find("study t.csv ["), std::string::npos) << seen;
  EXPECT_TRUE(seen.ends_with("\r\x1b[K")) << seen;
}

TEST_F(Commands, ReportWritesAgainWhatAStudyHolds) {
  ASSERT_EQ(run(small), 0) << err;
  std::filesystem::remove(folder / "t-study/report.html");
  ASSERT_EQ(run({"report", "t-study"}), 0) << err;
  EXPECT_EQ(out, "report: t-study/report.html\n");
  EXPECT_TRUE(exists(folder / "t-study/report.html"));
  ASSERT_EQ(run({"report", "t-study", "--format", "md", "-o", "-"}), 0) << err;
  EXPECT_EQ(out, read_file(folder / "t-study/report.md"));
  ASSERT_EQ(run({"report", "t-study", "--format", "json", "-o", "m.json"}), 0) << err;
  EXPECT_EQ(read_file(folder / "m.json"), read_file(folder / "t-study/metrics.json"));

  nlohmann::json record = load_study(folder / "t-study");
  testing::write_file(folder / "study.json", record.dump());
  testing::write_file(folder / "run.json", record.at("runs").at(0).dump());
  ASSERT_EQ(run({"report", "study.json", "--format", "md"}), 0) << err;
  EXPECT_EQ(read_file(folder / "study-report.md"), read_file(folder / "t-study/report.md"));
  ASSERT_EQ(run({"report", "run.json", "--format", "html"}), 0) << err;
  EXPECT_TRUE(exists(folder / "run-report.html"));
}

}  // namespace
}  // namespace haywatt::experiment
