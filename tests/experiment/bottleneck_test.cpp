// The search against simulated programs whose bottleneck is known, and the rules by themselves.
#include "haywatt/experiment/bottleneck.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "experiment/bottleneck_neighbours.hpp"
#include "experiment/bottleneck_rules.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

/// Seconds of a plain run by cause, and how the program behaves.
struct Simulated {
  double compute_s = 0.0, stream_s = 0.0, chase_s = 0.0, storage_s = 0.0, waiting_s = 0.0;
  double parallel = 0.0;   ///< share of compute_s that two threads share
  double bytecode = -1.0;  ///< no Python
  double threads = 1.0, switches = 10.0;
  double noise = 0.02;
};

class Simulation {
 public:
  explicit Simulation(const Simulated& program) : p_(program) {
    world.cpus = 2;
    world.run = [this](const Treatment& t) { return run(t); };
    world.references = [] {
      return std::map<std::string, double>{{"stream_memory", 1.35}, {"stream_slowed", 0.3}, {"chase_memory", 1.4}};
    };
    world.now_s = [this] { return now_s_; };
    world.stop_asked = [this] { return stop_after > 0 && runs_ >= stop_after; };
    world.progress = [](double share, std::string_view) {
      EXPECT_GE(share, 0.0);
      EXPECT_LE(share, 1.0);
    };
    options.label = "simulated";
  }
  BottleneckRecord find() { return find_bottleneck(options, world); }

  BottleneckOptions options;
  BottleneckWorld world;
  int stop_after = 0;

 private:
  double noisy() { return std::exp(std::normal_distribution<double>(0.0, p_.noise)(random_)); }

  BottleneckRun run(const Treatment& t) {
    ++runs_;
    const bool stream = t.beside && *t.beside == static_cast<int>(Neighbour::Stream);
    double cpu = p_.compute_s + p_.stream_s * (stream ? 1.35 : 1.0) +
                 p_.chase_s * (stream ? 1.4 : 1.0) * (t.huge_pages ? 0.6 : 1.0);
    double wall = cpu - (t.one_cpu ? 0.0 : 0.5 * p_.parallel * p_.compute_s);
    if (t.bytecode_window > 1000) cpu += 0.3 * std::max(0.0, p_.bytecode) * wall;
    if (t.cpu_quota > 0.0) wall += cpu * (1.0 / t.cpu_quota - 1.0);
    wall += p_.waiting_s + p_.storage_s * (1.0 + t.storage_delay.value_or(0.0));
    BottleneckRun r;
    r.treatment = t.name;
    const double f = noisy();
    r.wall_s = wall * f;
    r.cpu_s = r.user_s = cpu * f;
    r.energy_J = 10.0 * r.cpu_s;
    r.seen["at_once"] = p_.threads;
    r.seen["voluntary_switches"] = p_.switches;
    r.seen["rss_peak_B"] = 100e6;
    if (t.cpu_quota > 0.0) r.seen["quota_ratio"] = 1.0 / t.cpu_quota;
    if (stream) r.seen["neighbour_slowed"] = 0.3 * p_.stream_s / std::max(1e-9, wall) + 0.01 * (noisy() - 1.0);
    if (t.storage_delay) {
      r.seen["storage_s"] = p_.storage_s;
      if (*t.storage_delay > 0.0) r.seen["storage_delay"] = *t.storage_delay;
    }
    if (t.bytecode_window > 0 && p_.bytecode >= 0.0) r.seen["bytecode_share"] = p_.bytecode;
    now_s_ += r.wall_s;
    return r;
  }

  Simulated p_;
  double now_s_ = 0.0;
  int runs_ = 0;
  std::mt19937_64 random_{7};
};

std::string verdict(const Simulated& program) { return Simulation(program).find().verdict; }

TEST(Bottleneck, SimulatedProgramsOfEveryKind) {
  EXPECT_EQ(verdict({.compute_s = 1.0}), "compute");
  EXPECT_EQ(verdict({.compute_s = 2.0, .parallel = 1.0, .threads = 2.0}), "compute");
  EXPECT_EQ(verdict({.compute_s = 0.1, .stream_s = 0.9}), "memory bandwidth");
  EXPECT_EQ(verdict({.compute_s = 0.1, .chase_s = 0.9}), "memory latency");
  EXPECT_EQ(verdict({.compute_s = 0.1, .storage_s = 0.9}), "I/O");
  EXPECT_EQ(verdict({.compute_s = 1.0, .bytecode = 0.95}), "interpreter/dispatch");
  EXPECT_EQ(verdict({.compute_s = 0.4, .waiting_s = 0.6, .threads = 2.0, .switches = 60'000}), "synchronisation");
  EXPECT_EQ(verdict({.compute_s = 1.0, .parallel = 0.2, .threads = 2.0}), "serial part");
  EXPECT_EQ(verdict({.compute_s = 0.2, .waiting_s = 0.8}), "cannot tell");
}

TEST(Bottleneck, MixturesWithoutAMajorityAreNotGuessed) {
  EXPECT_EQ(verdict({.compute_s = 0.4, .storage_s = 0.3, .waiting_s = 0.3}), "cannot tell");
}

TEST(Bottleneck, SharesAreWhatTheProgramIsMadeOf) {
  Simulation s({.compute_s = 0.3, .storage_s = 0.7, .noise = 0.01});
  const BottleneckRecord r = s.find();
  for (const BottleneckSensitivity& x : r.sensitivities) {
    if (x.resource != "storage") continue;
    ASSERT_TRUE(x.share_known);
    EXPECT_NEAR(x.share.value, 0.7, 0.05);
    EXPECT_LE(x.share.low, 0.72);
    EXPECT_GE(x.share.high, 0.68);
    EXPECT_TRUE(x.energy_known);
  }
  EXPECT_GE(r.support, 0.95);
}

TEST(Bottleneck, EndsByTheBudgetWhenItNeverSettles) {
  Simulation s({.compute_s = 0.4, .storage_s = 0.3, .waiting_s = 0.3});
  s.options.budget_s = 30.0;
  const BottleneckRecord r = s.find();
  EXPECT_EQ(r.stopped_by, "budget");
  EXPECT_LE(r.elapsed_s, 36.0);
}

TEST(Bottleneck, AnInterruptionKeepsWhatIsKnown) {
  Simulation s({.compute_s = 1.0});
  s.stop_after = 13;
  const BottleneckRecord r = s.find();
  EXPECT_EQ(r.stopped_by, "interrupted");
  EXPECT_EQ(r.verdict, "compute");
  Simulation at_once({.compute_s = 1.0});
  at_once.stop_after = 3;
  EXPECT_EQ(at_once.find().verdict, "cannot tell");
}

TEST(Bottleneck, TooShortIsRefused) {
  Simulation s({.compute_s = 0.01});
  EXPECT_THROW((void)s.find(), Error);
}

TEST(Bottleneck, WhatCannotBeDoneIsToldAndTheRestGoesOn) {
  Simulation s({.compute_s = 1.0});
  s.world.unavailable["storage slowed"] = "no probe";
  s.world.unavailable["storage watched"] = "no probe";
  const BottleneckRecord r = s.find();
  EXPECT_EQ(r.verdict, "compute");
  ASSERT_EQ(r.unavailable.size(), 2U);
  EXPECT_EQ(r.unavailable[0], "storage watched: no probe");
}

TEST(Bottleneck, KnobsAreRatiosToTheFirstValue) {
  Simulation s({.compute_s = 1.0, .noise = 0.0});
  s.options.knobs = {{"rows", {"10", "20"}}};
  const auto run = s.world.run;
  s.world.run = [&](const Treatment& t) {
    BottleneckRun r = run(t);
    const double factor = t.knobs.at("rows") == "20" ? 2.0 : 1.0;
    r.wall_s *= factor;
    r.cpu_s *= factor;
    return r;
  };
  const BottleneckRecord r = s.find();
  ASSERT_EQ(r.knobs.size(), 1U);
  EXPECT_NEAR(r.knobs[0].time.at(1).value, 2.0, 1e-9);
  EXPECT_EQ(r.knobs[0].meaning, "time goes as rows to the power 1.00.");
}

TEST(Bottleneck, JsonThereAndBack) {
  Simulation s({.compute_s = 0.1, .stream_s = 0.9});
  const nlohmann::json once = s.find();
  const auto back = once.get<BottleneckRecord>();
  EXPECT_EQ(nlohmann::json(back), once);
  EXPECT_EQ(once["schema"], "haywatt-bottleneck/1");
}

TEST(BottleneckRules, NothingKnownIsNothingTold) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  BottleneckSignals s{};
  s.one_cpu = s.one_cpu_cpu = s.memory = s.slowed = s.huge = s.quota = s.storage = s.bytecode = s.bytecode_delay = none;
  EXPECT_EQ(verdict_of(s, {}, 2), "cannot tell");
}

}  // namespace
}  // namespace haywatt::experiment
