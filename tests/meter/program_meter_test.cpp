#include "haywatt/meter/program_meter.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

ProgramOptions quiet(std::vector<std::string> command) {
  ProgramOptions o;
  o.command = std::move(command);
  o.streams = ProgramOptions::Streams::Discard;
  return o;
}

const Machine& machine() {
  static const Machine m = describe_machine();
  return m;
}

TEST(ProgramMeter, TellsHowItEnded) {
  EXPECT_EQ(meter_program(machine(), quiet({"true"})).exit_code, 0);
  EXPECT_EQ(meter_program(machine(), quiet({"sh", "-c", "exit 9"})).exit_code, 9);
  EXPECT_EQ(meter_program(machine(), quiet({"sh", "-c", "kill -KILL $$"})).exit_code, 137);
  const ProgramResult none = meter_program(machine(), quiet({"no-such-command-here"}));
  EXPECT_EQ(none.exit_code, 127);
  EXPECT_EQ(none.run.status, "failed");
  EXPECT_EQ(none.run.reason, "no-such-command-here: no such command");
  EXPECT_EQ(meter_program(machine(), quiet({"/"})).exit_code, 126);
  EXPECT_THROW((void)meter_program(machine(), quiet({})), Error);
}

TEST(ProgramMeter, KeepsTheLastWordsAndNeverBlocksThem) {
  const ProgramResult r =
      meter_program(machine(), quiet({"sh", "-c",
                                      "i=0; while [ $i -lt 20000 ]; do echo a line of errors >&2; i=$((i+1)); done; "
                                      "echo out; echo the end >&2; cat"}));
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_LE(r.last_words.size(), 4096U);
  EXPECT_GT(r.last_words.size(), 1000U);
  EXPECT_TRUE(r.last_words.ends_with("a line of errors\nthe end\n"));
}

TEST(ProgramMeter, TheRecordAddsUp) {
  const ProgramResult r =
      meter_program(machine(), quiet({"sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"}));
  const RunRecord& run = r.run;
  ASSERT_TRUE(run.tree);
  EXPECT_GT(run.cpu_s, 0.0);
  EXPECT_GE(run.wall_s, 0.9 * run.cpu_s);
  EXPECT_NEAR(run.tree->user_s + run.tree->system_s, run.cpu_s, 0.01 * run.cpu_s + 2e-3);
  ASSERT_FALSE(run.samples.empty());
  for (std::size_t i = 1; i < run.samples.size(); ++i) {
    EXPECT_GE(run.samples[i].cpu_s, run.samples[i - 1].cpu_s);
    EXPECT_GE(run.samples[i].read_B, run.samples[i - 1].read_B);
  }
  double wall_s = 0.0, cpu_s = 0.0;
  for (const PhaseRecord& p : run.phases) {
    wall_s += p.wall_s;
    cpu_s += p.cpu_s;
  }
  EXPECT_NEAR(wall_s, run.wall_s, 1e-6);
  EXPECT_NEAR(cpu_s, run.cpu_s, 1e-6);
  EXPECT_FALSE(run.energy.empty());
}

TEST(ProgramMeter, AGroupKilledInItIsItsOwn) {
  const ProgramResult r = meter_program(machine(), quiet({"sh", "-c", "kill -KILL 0; sleep 60"}));
  EXPECT_EQ(r.exit_code, 137);
  EXPECT_EQ(r.interrupted_by, 0);
}

TEST(ProgramMeter, MarksBecomePhases) {
  const ProgramResult r = meter_program(machine(), quiet({"sh", "-c",
                                                          "echo begin one 1<>\"$HAYWATT_PHASES\"; sleep 0.1; "
                                                          "echo end one 1<>\"$HAYWATT_PHASES\"; sleep 0.02"}));
  ASSERT_NE(r.run.phase("one"), nullptr);
  EXPECT_GE(r.run.phase("one")->wall_s, 0.09);
  ASSERT_NE(r.run.phase("other"), nullptr);
}

TEST(Guarded, ReturnsWhatTheBodyReturnedFromOutsideTheGroup) {
  const pid_t caller = ::getpid(), group = ::getpgrp();
  const int code = guarded([&](const ProgramOrigin& origin) {
    const bool right = ::getppid() == caller && ::getpgrp() == ::getpid() && origin.process_group == group;
    ::_exit(right ? 41 : 1);
    return 0;
  });
  EXPECT_EQ(code, 41);
}

TEST(Guarded, TellsOfABodyThatWasKilled) {
  EXPECT_THROW((void)guarded([](const ProgramOrigin&) { return ::kill(::getpid(), SIGKILL); }), Error);
}

}  // namespace
}  // namespace haywatt::meter
