#include "experiment/process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

ProcessResult shell(const std::string& script, const std::string& input = {}, double timeout_s = 60.0) {
  SignalWatch signals;
  return run_process("/bin/sh", {"-c", script}, input, timeout_s, signals);
}

/// Running, as opposed to gone or waiting to be reaped.
bool is_alive(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string number, name, state;
  return static_cast<bool>(stat >> number >> name >> state) && state != "Z";
}

TEST(Process, PassesInputOutputAndExitCode) {
  const std::string input(300000, 'x');  // more than a pipe holds
  const ProcessResult r = shell("cat; echo last >&2; exit 7", input);
  EXPECT_EQ(r.exit_code, 7);
  EXPECT_EQ(r.output, input);
  EXPECT_EQ(r.last_words, "last\n");
  EXPECT_FALSE(r.timed_out || r.interrupted || r.signal != 0);
}

TEST(Process, KeepsOnlyTheEndOfALongComplaint) {
  const ProcessResult r = shell("i=0; while [ $i -lt 5000 ]; do echo complaint $i >&2; i=$((i+1)); done");
  EXPECT_LE(r.last_words.size(), 4096u);
  EXPECT_TRUE(r.last_words.ends_with("complaint 4999\n"));
}

TEST(Process, TellsTheSignalThatEndedIt) {
  EXPECT_EQ(shell("kill -SEGV $$").signal, SIGSEGV);
  EXPECT_EQ(shell("kill -KILL $$").signal, SIGKILL);
}

TEST(Process, TheTimeLimitEndsTheWholeGroup) {
  const ProcessResult r = shell("sleep 1000 & echo $!; sleep 1000", {}, 0.3);
  EXPECT_TRUE(r.timed_out);
  EXPECT_EQ(r.signal, SIGKILL);
  EXPECT_LT(r.wall_s, 30.0);
  const std::string grandchild = r.output.substr(0, r.output.find('\n'));
  ASSERT_FALSE(grandchild.empty());
  for (int i = 0; i < 100 && is_alive(grandchild); ++i) ::usleep(20000);
  EXPECT_FALSE(is_alive(grandchild));
}

TEST(Process, ASignalToUsEndsItAndIsRemembered) {
  SignalWatch signals;
  const ProcessResult r = run_process("/bin/sh", {"-c", "kill -TERM $PPID; sleep 1000"}, {}, 60.0, signals);
  EXPECT_TRUE(r.interrupted);
  EXPECT_EQ(signals.received(), SIGTERM);
  const ProcessResult next = run_process("/bin/sh", {"-c", "echo ran"}, {}, 60.0, signals);
  EXPECT_TRUE(next.interrupted);
  EXPECT_EQ(next.output, "") << "nothing starts after the signal";
}

TEST(Process, WhatCannotBeStartedSaysWhy) {
  SignalWatch signals;
  const ProcessResult r = run_process("/no/such/program", {}, {}, 60.0, signals);
  EXPECT_EQ(r.exit_code, 127);
  EXPECT_NE(r.last_words.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace haywatt::experiment
