#include "haywatt/experiment/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiment/clock.hpp"
#include "experiment/compare_metrics.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::experiment {
namespace {

/// Nominal level of the interval where the runs themselves say when to stop. Looking after every block and stopping at
/// the first narrow interval costs up to two points of coverage; 0.96 gives them back (docs/compare.md).
constexpr double level_when_looking = 0.96;
constexpr double level_when_fixed = 0.95;

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

/// The heavy parts of a run that no comparison looks at.
void keep_key_figures(RunRecord& run) {
  run.samples.clear();
  run.spans.clear();
  run.power.clear();
  if (run.tree) run.tree->processes.clear();
}

std::string last_line(std::string words) {
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  words.erase(0, words.rfind('\n') == std::string::npos ? 0 : words.rfind('\n') + 1);
  return words;
}

void check_exit(const ComparedSide& side, char name, const meter::ProgramResult& result, bool allow_failure) {
  if (result.exit_code == 127 || result.exit_code == 126)
    fail_usage(fmt::format("command {} cannot be run: {}{}", name, side.command,
                           result.exit_code == 127 ? " (not found)" : " (not executable)"));
  if (result.exit_code == 0 || allow_failure) return;
  const std::string words = last_line(result.last_words);
  fail_input(fmt::format("command {} failed with exit code {}{}; --allow-failure counts such runs", name,
                         result.exit_code, words.empty() ? "" : ": " + words));
}

class Comparison {
 public:
  Comparison(const ComparedSide& a, const ComparedSide& b, const CompareOptions& options, const CompareWorld& world)
      : options_(options), world_(world), start_s_(world.now_s()) {
    record_.a = a;
    record_.b = b;
    record_.started = utc_now();
    record_.machine = world.machine;
    record_.haywatt_version = world.haywatt_version;
    record_.seed = options.seed;
    record_.budget_s = options.budget_s;
    record_.fail_if_worse = options.fail_if_worse;
    if (!fixed()) record_.precision = options.precision;
  }

  ComparisonRecord make() {
    record_.stopped_by = warm_up() ? "" : "interrupted";
    while (record_.stopped_by.empty()) {
      record_.stopped_by = reason_to_stop();
      if (record_.stopped_by.empty() && !run_pair()) record_.stopped_by = "interrupted";
    }
    record_.elapsed_s = elapsed_s();
    record_.finished = utc_now();
    conclude(record_, options_.on, level());
    return std::move(record_);
  }

 private:
  [[nodiscard]] bool fixed() const { return options_.pairs > 0; }
  [[nodiscard]] double level() const { return fixed() ? level_when_fixed : level_when_looking; }
  [[nodiscard]] double elapsed_s() const { return world_.now_s() - start_s_; }

  /// False: interrupted; the run is not kept.
  bool run_one(char side, int pair, bool warm) {
    if (world_.stop_asked()) return false;
    report_progress(side, warm);
    meter::ProgramResult result = world_.run(side);
    if (result.interrupted_by != 0) return false;
    check_exit(side == 'A' ? record_.a : record_.b, side, result, options_.allow_failure);
    keep_key_figures(result.run);
    record_.runs.push_back({side, pair, warm, result.exit_code, std::move(result.run)});
    return true;
  }

  bool warm_up() {
    for (int i = 0; i < options_.warm_up; ++i) {
      const double before_s = world_.now_s();
      if (!run_one('A', -1, true) || !run_one('B', -1, true)) return false;
      warm_pair_s_ = world_.now_s() - before_s;
    }
    record_.warm_up = options_.warm_up;
    return true;
  }

  bool run_pair() {
    const bool b_first = b_runs_first(record_.pairs, options_.seed);
    const double before_s = world_.now_s();
    if (!run_one(b_first ? 'B' : 'A', record_.pairs, false) || !run_one(b_first ? 'A' : 'B', record_.pairs, false))
      return false;
    pair_s_.push_back(world_.now_s() - before_s);
    ++record_.pairs;
    return true;
  }

  [[nodiscard]] double next_pair_s() const {
    if (pair_s_.empty()) return warm_pair_s_;
    std::vector<double> sorted = pair_s_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

  [[nodiscard]] bool budget_spent() const {
    if (!options_.budget_s && (fixed() || record_.pairs < fewest_pairs)) return false;
    return elapsed_s() + next_pair_s() > options_.budget_s.value_or(default_budget_s);
  }

  std::string reason_to_stop() {
    const int n = record_.pairs;
    if (fixed() && n >= options_.pairs) return "pairs";
    if (!fixed() && n >= most_pairs) return "most pairs";
    if (!fixed() && n >= fewest_pairs && n % 2 == 0 && elapsed_s() >= least_s && precise()) return "precision";
    if (!budget_spent()) return {};
    if (n == 0)
      fail_usage(fmt::format(
          "the budget of {} holds no pair after {} of warm-up: a pair takes about {}; give a larger "
          "--budget or --warm-up 0",
          si(options_.budget_s.value_or(default_budget_s), "s"), si(elapsed_s(), "s"), si(next_pair_s(), "s")));
    return "budget";
  }

  /// The scatter alone decides: what pairs do not reduce is no reason for more of them.
  bool precise() {
    RunSets sets{.a = {}, .b = {}, .paired = true, .level = level()};
    // The two runs of a pair lie side by side, in either order.
    for (const ComparedRun& r : record_.runs)
      if (!r.warm_up) (r.side == 'A' ? sets.a : sets.b).push_back(&r.run);
    const std::vector<Quantity> list = quantities_of(sets);
    const auto scatter = scatter_of(sets, list[choose_deciding(list, sets, options_.on).first]);
    if (!scatter) return false;
    half_width_ = std::expm1(metrics::half_width(*scatter));
    return half_width_ <= options_.precision;
  }

  void report_progress(char side, bool warm) {
    const double budget_s = options_.budget_s.value_or(default_budget_s);
    double share = fixed() ? static_cast<double>(record_.pairs) / options_.pairs : elapsed_s() / budget_s;
    if (!fixed()) {
      const double ratio = half_width_ / options_.precision;
      const double wanted = std::max<double>(fewest_pairs, half_width_ > 0.0 ? record_.pairs * ratio * ratio : 0.0);
      share = std::max(options_.budget_s || record_.pairs >= fewest_pairs ? share : 0.0, record_.pairs / wanted);
    }
    const std::string item = warm ? fmt::format("warm-up {}", side)
                             : half_width_ > 0.0
                                 ? fmt::format("pair {} {}, ±{:.1f} %", record_.pairs + 1, side, 100.0 * half_width_)
                                 : fmt::format("pair {} {}", record_.pairs + 1, side);
    world_.progress(std::clamp(share, 0.0, 1.0), item);
  }

  const CompareOptions& options_;
  const CompareWorld& world_;
  double start_s_;
  double warm_pair_s_ = 0.0;
  double half_width_ = 0.0;
  std::vector<double> pair_s_;
  ComparisonRecord record_;
};

}  // namespace

bool b_runs_first(int pair, std::uint64_t seed) {
  const bool drawn = (splitmix64(splitmix64(seed) + static_cast<std::uint64_t>(pair / 2)) >> 63) != 0;
  return pair % 2 == 0 ? drawn : !drawn;
}

ComparisonRecord compare_commands(const ComparedSide& a, const ComparedSide& b, const CompareOptions& options,
                                  const CompareWorld& world) {
  return Comparison(a, b, options, world).make();
}

}  // namespace haywatt::experiment
