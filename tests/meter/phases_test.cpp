#include "meter/phases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace haywatt::meter {
namespace {

std::optional<std::int64_t> no_clock(std::int32_t) { return std::nullopt; }

/// A process told second by second: threads with spans, wall and CPU clocks.
class Story {
 public:
  void begin(std::uint64_t thread, PhaseId phase) { note(thread, phase, true); }
  void end(std::uint64_t thread, PhaseId phase) { note(thread, phase, false); }
  /// Time passes; each thread in `busy` uses that share of it.
  void pass(std::int64_t ns, const std::map<std::uint64_t, double>& busy) {
    wall_ += ns;
    for (const auto& [thread, share] : busy) {
      const auto used = static_cast<std::int64_t>(static_cast<double>(ns) * share);
      thread_cpu_[thread] += used;
      cpu_ += used;
    }
  }
  [[nodiscard]] SpanBorder now(std::uint64_t thread = 0) { return {wall_, cpu_, thread_cpu_[thread], thread}; }
  [[nodiscard]] ThreadClock clock() {
    return [this](std::int32_t tid) { return std::optional(thread_cpu_[static_cast<std::uint64_t>(tid)]); };
  }
  std::vector<Border> borders;

 private:
  void note(std::uint64_t thread, PhaseId phase, bool begin) {
    borders.push_back({now(thread), phase, static_cast<std::int32_t>(thread), begin});
  }
  std::int64_t wall_ = 1'000'000, cpu_ = 500;
  std::map<std::uint64_t, std::int64_t> thread_cpu_;
};

constexpr PhaseId read_phase = 1, encode = 2, write_phase = 3;

double wall_of(const PhaseSweep& s, PhaseId p) { return s.totals().count(p) ? s.totals().at(p).wall_ns : 0.0; }
double cpu_of(const PhaseSweep& s, PhaseId p) { return s.totals().count(p) ? s.totals().at(p).cpu_ns : 0.0; }

TEST(Phases, OneThreadInOrder) {
  Story story;
  PhaseSweep sweep(story.now());
  story.pass(100, {{1, 1.0}});
  story.begin(1, read_phase);
  story.pass(1000, {{1, 0.5}});
  story.end(1, read_phase);
  story.begin(1, encode);
  story.pass(2000, {{1, 1.0}});
  story.end(1, encode);
  story.pass(300, {});
  sweep.sweep(story.borders, {}, story.now(), story.clock());
  sweep.finish();
  EXPECT_DOUBLE_EQ(wall_of(sweep, read_phase), 1000);
  EXPECT_DOUBLE_EQ(cpu_of(sweep, read_phase), 500);
  EXPECT_DOUBLE_EQ(wall_of(sweep, encode), 2000);
  EXPECT_DOUBLE_EQ(wall_of(sweep, other_phase), 400);
  EXPECT_DOUBLE_EQ(cpu_of(sweep, other_phase), 100);
  ASSERT_EQ(sweep.stretches().size(), 2U);
  EXPECT_EQ(sweep.stretches()[0].end_ns - sweep.stretches()[0].start_ns, 1000);
}

TEST(Phases, InnermostSpanWins) {
  Story story;
  PhaseSweep sweep(story.now());
  story.begin(1, encode);
  story.pass(100, {{1, 1.0}});
  story.begin(1, write_phase);
  story.pass(50, {{1, 1.0}});
  story.end(1, write_phase);
  story.pass(25, {{1, 1.0}});
  story.end(1, encode);
  sweep.sweep(story.borders, {}, story.now(), story.clock());
  EXPECT_DOUBLE_EQ(wall_of(sweep, encode), 125);
  EXPECT_DOUBLE_EQ(wall_of(sweep, write_phase), 50);
  EXPECT_DOUBLE_EQ(wall_of(sweep, other_phase), 0);
}

TEST(Phases, WorkersWithoutSpansCountForTheOnlyPhase) {
  Story story;
  PhaseSweep sweep(story.now());
  story.begin(1, encode);
  story.pass(100, {{1, 0.0}, {2, 1.0}, {3, 1.0}});
  story.end(1, encode);
  sweep.sweep(story.borders, {}, story.now(), story.clock());
  EXPECT_DOUBLE_EQ(cpu_of(sweep, encode), 200);
}

TEST(Phases, OverlapIsSharedByCpuUse) {
  Story story;
  PhaseSweep sweep(story.now());
  story.begin(1, encode);
  story.begin(2, write_phase);
  story.pass(1000, {{1, 0.9}, {2, 0.1}});
  story.end(2, write_phase);
  story.end(1, encode);
  sweep.sweep(story.borders, {}, story.now(), story.clock());
  EXPECT_NEAR(wall_of(sweep, encode), 900, 1e-6);
  EXPECT_NEAR(wall_of(sweep, write_phase), 100, 1e-6);
  EXPECT_NEAR(cpu_of(sweep, encode), 900, 1e-6);
}

TEST(Phases, OverlapWithoutCpuIsSharedEqually) {
  Story story;
  PhaseSweep sweep(story.now());
  story.begin(1, read_phase);
  story.begin(2, write_phase);
  story.pass(1000, {});
  story.end(2, write_phase);
  story.end(1, read_phase);
  sweep.sweep(story.borders, {}, story.now(), story.clock());
  EXPECT_DOUBLE_EQ(wall_of(sweep, read_phase), 500);
  EXPECT_DOUBLE_EQ(wall_of(sweep, write_phase), 500);
}

TEST(Phases, SpansOpenAtTheEndAreCounted) {
  Story story;
  PhaseSweep sweep(story.now());
  story.begin(1, encode);
  story.begin(2, write_phase);
  story.pass(1000, {{1, 0.8}, {2, 0.2}});
  sweep.sweep(story.borders, {}, story.now(), story.clock());
  sweep.finish();
  EXPECT_NEAR(wall_of(sweep, encode), 800, 1e-6);
  EXPECT_EQ(sweep.stretches().size(), 2U);
}

TEST(Phases, EndWithoutBeginningIsIgnored) {
  Story story;
  PhaseSweep sweep(story.now());
  story.pass(10, {{1, 1.0}});
  story.end(1, encode);
  story.pass(10, {{1, 1.0}});
  sweep.sweep(story.borders, {}, story.now(), no_clock);
  EXPECT_DOUBLE_EQ(wall_of(sweep, other_phase), 20);
}

struct RandomRun {
  Story story;
  std::vector<std::vector<Border>> batches;
  std::vector<std::vector<Cut>> cuts;
  std::vector<SpanBorder> ends;
  SpanBorder start;
};

/// Random spans on random threads, sometimes deep, sometimes ended late, in random batches, some borders arriving a
/// batch too late and out of order.
RandomRun random_run(std::uint64_t seed, PhaseSweep*& sweep) {
  std::mt19937_64 random(seed);
  RandomRun run;
  std::map<std::uint64_t, std::vector<PhaseId>> open;
  run.start = run.story.now();
  sweep = new PhaseSweep(run.start);
  const std::uint64_t threads = 1 + random() % 6;
  std::vector<Cut> cuts;
  std::vector<Border> late;
  const std::size_t steps = 20 + random() % 200;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::uint64_t t = random() % threads;
    std::map<std::uint64_t, double> busy;
    for (std::uint64_t i = 0; i <= threads; ++i)
      busy[i] = random() % 3 == 0 ? 0.0 : static_cast<double>(random() % 101) / 100.0;
    switch (random() % 5) {
      case 0:
      case 1:
        open[t].push_back(1 + static_cast<PhaseId>(random() % 5));
        run.story.begin(t, open[t].back());
        break;
      case 2:
      case 3:
        if (!open[t].empty()) {
          run.story.end(t, open[t].back());
          open[t].pop_back();
        }
        break;
      default:
        cuts.push_back({run.story.now().wall_ns, run.story.now().process_cpu_ns});
    }
    run.story.pass(static_cast<std::int64_t>(random() % 1000), busy);
    if (random() % 40 == 0 || step + 1 == steps) {
      std::vector<Border> batch = std::move(late);
      late.clear();
      batch.insert(batch.end(), run.story.borders.begin(), run.story.borders.end());
      run.story.borders.clear();
      if (step + 1 != steps && !batch.empty() && random() % 2 == 0) {
        late.push_back(batch.back());
        batch.pop_back();
      }
      run.batches.push_back(batch);
      run.cuts.push_back(std::exchange(cuts, {}));
      run.ends.push_back(run.story.now());
      if (step + 1 == steps) run.cuts.back().push_back({run.ends.back().wall_ns, run.ends.back().process_cpu_ns});
      sweep->sweep(run.batches.back(), run.cuts.back(), run.ends.back(), run.story.clock());
    }
  }
  sweep->finish();
  return run;
}

TEST(Phases, AddUpToTheRunWhateverTheSpans) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    PhaseSweep* raw = nullptr;
    const RandomRun run = random_run(seed, raw);
    const std::unique_ptr<PhaseSweep> sweep(raw);
    const double wall = static_cast<double>(run.ends.back().wall_ns - run.start.wall_ns);
    const double cpu = static_cast<double>(run.ends.back().process_cpu_ns - run.start.process_cpu_ns);
    double phase_wall = 0.0, phase_cpu = 0.0, slice_wall = 0.0, slice_cpu = 0.0;
    for (const auto& [id, use] : sweep->totals()) {
      EXPECT_GE(use.wall_ns, 0.0);
      EXPECT_GE(use.cpu_ns, 0.0);
      phase_wall += use.wall_ns;
      phase_cpu += use.cpu_ns;
    }
    std::size_t cuts = 0;
    for (const auto& c : run.cuts) cuts += c.size();
    EXPECT_EQ(sweep->slices().size(), cuts);
    for (const Slice& slice : sweep->slices())
      for (const PhaseUse& use : slice) {
        slice_wall += use.wall_ns;
        slice_cpu += use.cpu_ns;
      }
    EXPECT_NEAR(phase_wall, wall, 1e-6 * wall + 1e-6) << "seed " << seed;
    EXPECT_NEAR(phase_cpu, cpu, 1e-6 * cpu + 1e-6) << "seed " << seed;
    EXPECT_NEAR(slice_wall, wall, 1e-6 * wall + 1e-6) << "seed " << seed;
    EXPECT_NEAR(slice_cpu, cpu, 1e-6 * cpu + 1e-6) << "seed " << seed;
  }
}

TEST(Phases, BatchesChangeNothing) {
  const auto tell = [](bool in_batches) {
    Story story;
    PhaseSweep sweep(story.now());
    std::mt19937_64 random(5);
    const auto flush = [&] { sweep.sweep(std::exchange(story.borders, {}), {}, story.now(), story.clock()); };
    for (int i = 0; i < 100; ++i) {
      for (std::uint64_t t = 1; t <= 3; ++t) story.begin(t, static_cast<PhaseId>(t));
      story.pass(1000, {{1, 0.25}, {2, 0.5}, {3, 1.0}});
      if (in_batches && i % 7 == 0) flush();
      story.pass(500, {{1, 0.25}, {2, 0.5}, {3, 1.0}});
      for (std::uint64_t t = 1; t <= 3; ++t) story.end(t, static_cast<PhaseId>(t));
    }
    flush();
    return sweep.totals();
  };
  const auto whole = tell(false), parts = tell(true);
  for (const auto& [id, use] : whole) {
    EXPECT_NEAR(parts.at(id).wall_ns, use.wall_ns, 1e-3);
    EXPECT_NEAR(parts.at(id).cpu_ns, use.cpu_ns, 1e-3);
  }
}

TEST(Phases, StretchesAreJoinedToTheLimit) {
  std::vector<Stretch> stretches;
  for (std::int64_t i = 0; i < 50'000; ++i)
    stretches.push_back(
        {static_cast<PhaseId>(1 + i % 2), static_cast<std::uint64_t>(i % 3), i * 1'000'000, i * 1'000'000 + 900'000});
  const auto few = joined(stretches, 2'000);
  EXPECT_LE(few.size(), 2'000U);
  EXPECT_GE(few.size(), 2U);
  EXPECT_EQ(few.front().start_ns, 0);
  for (std::size_t i = 0; i < stretches.size(); ++i) stretches[i].thread = i;  // every chunk on a thread of its own
  EXPECT_LE(joined(stretches, 2'000).size(), 2'000U);
  EXPECT_EQ(joined({}, 10).size(), 0U);
}

}  // namespace
}  // namespace haywatt::meter
