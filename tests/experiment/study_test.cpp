#include "haywatt/experiment/study.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "experiment/tables.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/experiment/worker.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::experiment {
namespace {

using testing::write_csv;
using testing::write_file;

class Studies : public ::testing::Test {
 protected:
  Studies() {
    log::set_level(log::Level::Quiet);
    write_csv(folder / "t.csv", 300, 3);
    request.plan.data = {folder / "t.csv"};
    request.plan.methods = parse_method_list("zstd,zstd:level=19");
    request.plan.bounds = parse_bound_list("lossless,range:1e-3");
    request.plan.repeats = 2;
    request.plan.threads = {1};
    request.folder = folder / "study";
    request.command = "haywatt study t.csv";
    request.worker = HAYWATT_BINARY;
  }
  ~Studies() override { log::set_level(log::Level::Normal); }

  /// Runs go through a script that does `action` when the n-th run of all starts (warm-up runs included; 0: at each run
  /// that `pattern` matches), and else is the real worker.
  void interpose(const std::string& pattern, int n, const std::string& action) {
    const std::string count = folder / "runs-started";
    const std::string when = n > 0 ? "[ $(wc -l < '" + count + "') -eq " + std::to_string(n) + " ]" : "true";
    write_file(folder / "worker",
               "#!/bin/sh\njob=$(cat)\ncase \"$job\" in\n'{\"run\"'" + pattern + ") echo x >> '" + count + "'\n  if " +
                   when + "; then " + action + "; fi;;\nesac\nprintf '%s' \"$job\" | exec '" + HAYWATT_BINARY +
                   "' study-worker\n",
               true);
    request.worker = folder / "worker";
  }

  static std::vector<std::string> ids(const StudyRecord& study) {
    std::vector<std::string> all;
    for (const RunRecord& run : study.runs) all.push_back(run.id);
    return all;
  }
  static std::set<std::string> as_set(const std::vector<std::string>& all) { return {all.begin(), all.end()}; }

  testing::Folder folder;
  StudyRequest request;
};

constexpr int all_runs = 8;
constexpr int warm_up_runs = 4;

TEST_F(Studies, RunEveryCombinationInShuffledRounds) {
  const StudyOutcome outcome = run_study(request);
  const StudyRecord& study = outcome.study;
  ASSERT_EQ(study.runs.size(), static_cast<std::size_t>(all_runs));
  EXPECT_EQ(outcome.planned, static_cast<std::size_t>(all_runs));
  EXPECT_EQ(as_set(ids(study)).size(), static_cast<std::size_t>(all_runs));
  EXPECT_FALSE(study.finished.empty());
  EXPECT_TRUE(study.plan_toml.starts_with("# haywatt plan "));
  EXPECT_EQ(study.title, "t.csv");
  EXPECT_EQ(study.command, "haywatt study t.csv");
  EXPECT_TRUE(study.machine.libraries.contains("zstd"));
  EXPECT_TRUE(study.machine.libraries.contains("compiler"));
  for (std::size_t i = 0; i < study.runs.size(); ++i) {
    const RunRecord& run = study.runs[i];
    EXPECT_EQ(run.repeat, i < 4 ? 0 : 1) << "one round after the other";
    EXPECT_EQ(run.status, "ok") << run.reason;
    EXPECT_EQ(run.rows, 300u);
    EXPECT_EQ(run.columns, 3u);
    EXPECT_EQ(run.raw_B, 300u * 3u * 8u);
    EXPECT_GT(run.compressed_B, 0u);
    EXPECT_GT(run.wall_s, 0.0);
    EXPECT_EQ(run.data_xxh3.size(), 16u);
    EXPECT_NE(run.method_version.find("zstd"), std::string::npos);
    EXPECT_NE(run.phase("encode"), nullptr);
    EXPECT_NE(run.phase("decode"), nullptr);
    ASSERT_EQ(run.fidelity.size(), 3u);
    EXPECT_EQ(run.fidelity[0].violations, 0u);
    EXPECT_EQ(run.fidelity[0].original.counts.empty(), run.repeat != 0) << "histograms once";
  }
  EXPECT_FALSE(std::filesystem::exists(request.folder + "/.work")) << "nothing is left behind";
}

/// What --tdp and --idle-watts tell a worker of a machine that is no guest and has no sensor, through the worker's
/// JSON.
TEST_F(Studies, WhatIsKnownOfTheMachineChangesTheEstimateOfARun) {
  setenv("HAYWATT_SYSROOT", "/no/such/folder", 1);
  WorkerJob job;
  job.id = "r";
  job.data = folder / "t.csv";
  job.method = "zstd";
  job.rules = {"*=lossless"};
  job.output = folder / "t.hay";
  job.machine.id = "bare";
  job.machine.cpu_vendor = "GenuineIntel";
  job.machine.cpu_name = "a CPU of no table";
  job.machine.logical_cpus = job.machine.physical_cores = 64;
  job.machine.sockets = 2;
  job.machine.memory_B = std::uint64_t{64} << 30;
  const auto attributed = [&](std::optional<double> tdp_W, std::optional<double> idle_W) {
    job.estimate = {tdp_W, idle_W};
    const RunRecord run = run_job(nlohmann::json(job).get<WorkerJob>());
    EXPECT_EQ(run.status, "ok") << run.reason;
    for (const EnergyFigure& e : run.energy)
      if (e.share == "process-tree" && e.rule == "attributed") return e;
    ADD_FAILURE() << "no energy";
    return EnergyFigure{};
  };
  const auto width = [](const EnergyFigure& e) { return e.joules.high / e.joules.low; };
  const EnergyFigure plain = attributed({}, {}), tdp = attributed(350.0, {}), idle = attributed({}, 5'000.0);
  unsetenv("HAYWATT_SYSROOT");
  EXPECT_EQ(plain.tier, "T3a");
  EXPECT_EQ(tdp.tier, "T2c");
  EXPECT_EQ(idle.tier, "T3a");
  EXPECT_LT(width(idle), 0.8 * width(plain));
  EXPECT_GT(idle.joules.value, plain.joules.value) << "a machine that idles at 5 kW";
}

TEST_F(Studies, AFinishedStudyIsFoundAgain) {
  const StudyOutcome first = run_study(request);
  interpose("*", 0, "kill -KILL $$");  // a run would fail
  const StudyOutcome again = run_study(request);
  EXPECT_TRUE(again.found_finished);
  EXPECT_EQ(ids(again.study), ids(first.study));
  request.force = true;
  const StudyOutcome forced = run_study(request);
  EXPECT_FALSE(forced.found_finished);
  EXPECT_EQ(forced.study.runs[0].status, "failed");
}

TEST_F(Studies, AnotherPlanOrOtherDataInTheFolderIsRefused) {
  const StudyOutcome first = run_study(request);
  const auto refused = [this](const StudyRequest& r) {
    try {
      (void)run_study(r);
    } catch (const Error& e) {
      return e.exit_code();
    }
    return 0;
  };
  StudyRequest other = request;
  other.plan.repeats = 3;
  EXPECT_EQ(refused(other), 2);
  other = request;
  write_csv(folder / "u.csv", 300, 3, 7);
  other.plan.data = {folder / "u.csv"};
  EXPECT_EQ(refused(other), 2);
  EXPECT_EQ(ids(load_study(request.folder)), ids(first.study)) << "left alone";
  std::filesystem::copy_file(folder / "t.csv", folder / "copy.csv");
  other.plan.data = {folder / "copy.csv"};
  EXPECT_EQ(refused(other), 0) << "the same data under another name is the same study";
  other.plan.data = {folder / "u.csv"};
  other.force = true;
  EXPECT_EQ(refused(other), 0);
  EXPECT_NE(load_study(request.folder).runs[0].data_xxh3, first.study.runs[0].data_xxh3);
}

TEST_F(Studies, ResumeAfterASignalWithoutRepeatingOrLosingRuns) {
  for (const int nth : {1, 4, 6}) {
    StudyRequest fresh = request;
    fresh.folder = folder / ("study-" + std::to_string(nth));
    std::filesystem::remove(folder / "runs-started");
    interpose("*", warm_up_runs + nth, "kill -INT $PPID; sleep 1000");
    fresh.worker = request.worker;
    const StudyOutcome stopped = run_study(fresh);
    EXPECT_EQ(stopped.interrupted_by, SIGINT);
    EXPECT_EQ(stopped.kept, static_cast<std::size_t>(nth - 1));
    EXPECT_TRUE(stopped.study.finished.empty());
    fresh.worker = HAYWATT_BINARY;
    const StudyOutcome whole = run_study(fresh);
    const auto all = ids(whole.study);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(all_runs));
    EXPECT_EQ(as_set(all).size(), static_cast<std::size_t>(all_runs));
    const auto kept = ids(stopped.study);
    EXPECT_TRUE(std::equal(kept.begin(), kept.end(), all.begin())) << "kept runs stay first";
    EXPECT_EQ(whole.study.started, stopped.study.started);
  }
}

TEST_F(Studies, ResumeAfterBeingKilled) {
  interpose("*", warm_up_runs + 4, "kill -KILL $PPID; exit 1");
  const pid_t child = ::fork();
  if (child == 0) {
    (void)run_study(request);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const auto kept = ids(load_study(request.folder));
  EXPECT_EQ(kept.size(), 3u);
  request.worker = HAYWATT_BINARY;
  const auto all = ids(run_study(request).study);
  EXPECT_EQ(as_set(all).size(), static_cast<std::size_t>(all_runs));
  EXPECT_EQ(all.size(), static_cast<std::size_t>(all_runs));
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), all.begin()));
  EXPECT_FALSE(std::filesystem::exists(request.folder + "/.work"));
}

/// What the study says of the runs of zstd:level=19 when their worker does `action`; the others must be well.
class BadWorkers : public Studies {
 protected:
  std::string reason_when(const std::string& action) {
    interpose("*'\"method\":\"zstd:level=19\"'*", 0, action);
    const StudyOutcome outcome = run_study(request);
    EXPECT_FALSE(outcome.study.finished.empty()) << "one bad method is not the end";
    std::string reason;
    int failed = 0;
    for (const RunRecord& run : outcome.study.runs) {
      if (run.method == "zstd") {
        EXPECT_EQ(run.status, "ok") << run.reason;
        continue;
      }
      EXPECT_EQ(run.status, "failed");
      EXPECT_EQ(run.label, run.method + ", " + run.bound);
      reason = run.reason;
      ++failed;
    }
    EXPECT_EQ(failed, 2) << "once a bound: what failed is not repeated";
    return reason;
  }
};

TEST_F(BadWorkers, ACrashIsARow) {
  EXPECT_EQ(reason_when("echo 'free(): invalid pointer' >&2; kill -SEGV $$"),
            "it crashed (Segmentation fault): free(): invalid pointer");
}
TEST_F(BadWorkers, OutOfMemoryIsARow) {
  EXPECT_EQ(reason_when("kill -KILL $$"), "it was killed, most likely because the machine ran out of memory");
}
TEST_F(BadWorkers, AnErrorExitIsARow) {
  EXPECT_EQ(reason_when("echo 'haywatt: disk on fire' >&2; exit 4"),
            "its process ended with exit code 4: disk on fire");
}
TEST_F(BadWorkers, NoRecordIsARow) { EXPECT_EQ(reason_when("exit 0"), "its process ended without a record"); }
TEST_F(BadWorkers, NonsenseIsARow) {
  EXPECT_TRUE(reason_when("echo '{\"schema\":'; exit 0").starts_with("its record cannot be read"));
}
TEST_F(BadWorkers, TakingTooLongIsARow) {
  request.plan.timeout_s = 1.5;
  EXPECT_EQ(reason_when("sleep 1000"), "it took longer than 1.5 s and was stopped");
}

TEST_F(Studies, DataThatCannotBeReadIsAnErrorAndLeavesNoFolder) {
  write_file(folder / "bad.npy", "not a table at all");
  request.plan.data = {folder / "bad.npy"};
  try {
    (void)run_study(request);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 3);
  }
  EXPECT_FALSE(std::filesystem::exists(request.folder));
}

TEST_F(Studies, AFileInPlaceOfTheFolderIsAnError) {
  write_file(request.folder, "x");
  EXPECT_THROW((void)run_study(request), Error);
}

TEST_F(Studies, AForeignDatabaseIsNotReplacedUnasked) {
  std::filesystem::create_directories(request.folder);
  write_file(request.folder + "/study.sqlite", "someone else's");
  write_file(request.folder + "/notes.txt", "mine");
  EXPECT_THROW((void)run_study(request), Error);
  request.force = true;
  EXPECT_EQ(run_study(request).study.runs.size(), static_cast<std::size_t>(all_runs));
  EXPECT_TRUE(std::filesystem::exists(request.folder + "/notes.txt")) << "only what a study writes is replaced";
}

TEST(Folders, AreNamedAfterTheData) {
  EXPECT_EQ(default_folder("some/where/jets.npz"), "./jets-study");
  EXPECT_EQ(default_folder("table.csv.gz"), "./table-study");
  EXPECT_EQ(default_folder("plan.toml"), "./plan-study");
  EXPECT_EQ(default_folder("/a/.hidden"), "./.hidden-study");
}

}  // namespace
}  // namespace haywatt::experiment
