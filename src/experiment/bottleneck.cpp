#include "haywatt/experiment/bottleneck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "experiment/bottleneck_conclude.hpp"
#include "experiment/bottleneck_neighbours.hpp"
#include "experiment/bottleneck_rules.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::experiment {
namespace {

constexpr double storage_delay = 1.0, span_delay = 0.5;
constexpr int short_window = 300, long_window = 20'000;

/// All that can be done to any program, controls before what they are the control of.
std::vector<Treatment> all_treatments() {
  std::vector<Treatment> list(9);
  list[0].name = "plain";
  list[1].name = "one CPU";
  list[1].one_cpu = true;
  list[2].name = "less CPU";
  list[2].one_cpu = true;
  list[2].cpu_quota = 0.7;
  list[3].name = "beside compute";
  list[3].one_cpu = true;
  list[3].beside = static_cast<int>(Neighbour::Compute);
  list[4].name = "beside stream";
  list[4].one_cpu = true;
  list[4].beside = static_cast<int>(Neighbour::Stream);
  list[5].name = "huge pages";
  list[5].huge_pages = true;
  list[6].name = "storage watched";
  list[6].storage_delay = 0.0;
  list[7].name = "storage slowed";
  list[7].storage_delay = storage_delay;
  list[8].name = "bytecodes watched";
  list[8].bytecode_window = short_window;
  list.push_back(list[8]);
  list[9].name = "bytecodes slowed";
  list[9].bytecode_window = long_window;
  return list;
}

class Search {
 public:
  Search(const BottleneckOptions& options, const BottleneckWorld& world)
      : options_(options), world_(world), start_s_(world.now_s()), random_(options.seed) {
    record_.started = utc_now();
    record_.machine = world.machine;
    record_.haywatt_version = world.haywatt_version;
    record_.command = options.label;
    record_.budget_s = options.budget_s;
    record_.notes = world.notes;
    for (const Treatment& t : all_treatments()) {
      if (const auto why = world.unavailable.find(t.name); why != world.unavailable.end())
        record_.unavailable.push_back(t.name + ": " + why->second);
      else
        active_.push_back(t);
    }
    for (const Knob& k : options.knobs)
      for (std::size_t v = 1; v < k.values.size(); ++v) {
        Treatment t;
        t.name = k.name + " " + k.values[v];
        t.knobs = reference_knobs();
        t.knobs[k.name] = k.values[v];
        active_.push_back(t);
      }
    for (Treatment& t : active_)
      if (t.knobs.empty()) t.knobs = reference_knobs();
  }

  BottleneckRecord make() {
    try {
      warm_up();
      while (record_.stopped_by.empty()) {
        run_block();
        record_.stopped_by = reason_to_stop();
      }
    } catch (const Interrupted&) {
      record_.stopped_by = "interrupted";
    }
    record_.elapsed_s = elapsed_s();
    record_.finished = utc_now();
    conclude_bottleneck(record_, world_.cpus, references_, options_.knobs);
    return std::move(record_);
  }

 private:
  [[nodiscard]] std::map<std::string, std::string> reference_knobs() const {
    std::map<std::string, std::string> values;
    for (const Knob& k : options_.knobs) values[k.name] = k.values.front();
    return values;
  }

  [[nodiscard]] double elapsed_s() const { return world_.now_s() - start_s_; }

  BottleneckRun run(const Treatment& t, double share) {
    if (world_.stop_asked()) throw Interrupted();
    world_.progress(std::clamp(share, 0.0, 1.0), t.name);
    return world_.run(t);
  }

  /// Fills caches, and tells whether the program can be measured at all and which treatments can matter.
  void warm_up() {
    Treatment watched;
    watched.name = "watched";
    watched.knobs = reference_knobs();
    if (world_.unavailable.count("storage watched") == 0) watched.storage_delay = 0.0;
    if (world_.unavailable.count("bytecodes watched") == 0) watched.bytecode_window = short_window;
    const BottleneckRun first = run(watched, 0.0);
    if (first.wall_s < shortest_s)
      fail_usage(
          fmt::format("the command takes {}: too short to measure (at least {}); put a loop or more data into it",
                      si(first.wall_s, "s"), si(shortest_s, "s")));
    if (world_.references) references_ = world_.references();
    leave_out(first);
    add_spans(first);
  }

  void leave_out(const BottleneckRun& first) {
    const auto seen = [&](const char* name) {
      const auto it = first.seen.find(name);
      return it == first.seen.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
    };
    if (world_.unavailable.count("storage watched") == 0) {
      const double in_calls = seen("storage_s");
      if (std::isnan(in_calls))
        drop({"storage watched", "storage slowed"},
             "the probe of storage was not loaded into the program (is it linked statically?)");
      else if (in_calls < 0.03 * first.wall_s)
        drop({"storage watched", "storage slowed"},
             fmt::format("calls to storage take {:.1f} % of the time", 100.0 * in_calls / first.wall_s));
    }
    if (std::isnan(seen("bytecode_share"))) drop({"bytecodes watched", "bytecodes slowed"}, "it is no CPython program");
    if (seen("rss_peak_B") < 16e6) drop({"huge pages"}, "it uses less than 16 MB");
    if (first.cpu_s < 0.2 * first.wall_s)
      drop({"huge pages", "beside compute", "beside stream"},
           fmt::format("the CPU is busy for {:.0f} % of the time", 100.0 * first.cpu_s / first.wall_s));
  }

  /// After Coz (Curtsinger and Berger, SOSP 2015): a phase that the program marks is made longer by a share of itself;
  /// how much longer the program takes for it is what making the phase faster would save.
  void add_spans(const BottleneckRun& first) {
    constexpr std::size_t most = 4;
    std::vector<std::pair<double, std::string>> spans;
    for (const auto& [name, value] : first.seen)
      if (name.starts_with(span_seen) && value > 0.05 * first.wall_s)
        spans.emplace_back(value, name.substr(std::string_view(span_seen).size()));
    std::sort(spans.rbegin(), spans.rend());
    if (spans.size() > most) spans.resize(most);
    for (const auto& [seconds, name] : spans) {
      Treatment t;
      t.name = span_treatment + name;
      t.span = name;
      t.span_delay = span_delay;
      t.knobs = reference_knobs();
      active_.push_back(t);
    }
  }

  void run_block() {
    const int block = record_.blocks;
    const double before_s = elapsed_s();
    std::vector<std::size_t> order(active_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    std::vector<BottleneckRun> runs;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const double done =
          block_s_ > 0.0
              ? (before_s + block_s_ * static_cast<double>(i) / static_cast<double>(order.size())) / options_.budget_s
              : elapsed_s() / options_.budget_s;
      BottleneckRun r = run(active_[order[i]], done);
      r.block = block;
      record_.runs.push_back(std::move(r));  // kept at once: an interruption loses only the run under way
    }
    block_s_ = elapsed_s() - before_s;
    ++record_.blocks;
    drop_what_does_not_matter();
  }

  std::string reason_to_stop() {
    if (record_.blocks >= options_.fewest_blocks) {
      BottleneckRecord so_far = record_;
      conclude_bottleneck(so_far, world_.cpus, references_, options_.knobs);
      if (so_far.verdict != "cannot tell" && so_far.support >= options_.settled) return "settled";
    }
    if (elapsed_s() + block_s_ > options_.budget_s) return "budget";
    return {};
  }

  void drop(std::initializer_list<const char*> names, const std::string& why) {
    const auto goes = [&](const Treatment& t) { return std::find(names.begin(), names.end(), t.name) != names.end(); };
    if (std::none_of(active_.begin(), active_.end(), goes)) return;
    std::erase_if(active_, goes);
    record_.notes.push_back(fmt::format("'{}' was left out{}: {}", *(names.end() - 1),
                                        record_.blocks > 0 ? " after the first block" : "", why));
  }

  /// Time is better spent on treatments that can still change the verdict.
  void drop_what_does_not_matter() {
    drop({"less CPU"}, "one block is enough for it");
    const bool alone = std::none_of(record_.runs.begin(), record_.runs.end(), [](const BottleneckRun& r) {
      const auto at_once = r.seen.find("at_once");
      return r.treatment == "plain" &&
             ((at_once != r.seen.end() && at_once->second > 1.5) || r.cpu_s > 1.02 * r.wall_s);
    });
    if (alone) drop({"one CPU"}, "nothing in it runs at the same time");
  }

  const BottleneckOptions& options_;
  const BottleneckWorld& world_;
  double start_s_, block_s_ = 0.0;
  std::mt19937_64 random_;
  std::vector<Treatment> active_;
  std::map<std::string, double> references_;
  BottleneckRecord record_;
};

}  // namespace

BottleneckRecord find_bottleneck(const BottleneckOptions& options, const BottleneckWorld& world) {
  return Search(options, world).make();
}

}  // namespace haywatt::experiment
