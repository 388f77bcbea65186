#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiment/bottleneck_files.hpp"
#include "experiment/bottleneck_neighbours.hpp"
#include "experiment/bottleneck_quota.hpp"
#include "experiment/bottleneck_rules.hpp"
#include "experiment/compare_metrics.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/bottleneck.hpp"

namespace haywatt::experiment {
namespace {

namespace fs = std::filesystem;
constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

/// A folder of our own for the probes' files, gone at the end.
class ProbeFolder {
 public:
  ProbeFolder() {
    std::string name = (fs::temp_directory_path() / "haywatt-bottleneck-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      fail_errno("cannot make a folder in " + fs::temp_directory_path().string(), errno);
    path_ = name;
  }
  ~ProbeFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ProbeFolder(const ProbeFolder&) = delete;
  ProbeFolder& operator=(const ProbeFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Pins this process, and what it starts, while it lives.
class Pinned {
 public:
  explicit Pinned(int cpu) {
    CPU_ZERO(&before_);
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) fail_errno("cannot pin to a CPU", errno);
  }
  ~Pinned() { ::sched_setaffinity(0, sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> list;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int c = 0; c < CPU_SETSIZE; ++c)
      if (CPU_ISSET(c, &set)) list.push_back(c);
  return list;
}

std::string last_line(std::string words) {
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  words.erase(0, words.rfind('\n') == std::string::npos ? 0 : words.rfind('\n') + 1);
  return words;
}

double energy_of(const RunRecord& run, std::string& from) {
  for (const EnergyFigure& e : run.energy) {
    if (!e.known || e.share != "process-tree" || e.rule != "attributed") continue;
    from = e.sensor == "estimate" ? fmt::format(
                                        "estimate{}: CPU time (and wall time, where idle power is shared out) in other "
                                        "units; it adds nothing to the CPU seconds",
                                        e.tier.empty() ? "" : ", tier " + e.tier)
                                  : e.sensor + " (" + e.boundary + "), attributed by CPU time";
    return e.joules.value;
  }
  return not_known;
}

class World {
 public:
  World(const BottleneckOptions& options, Neighbours& neighbours) : options_(options), neighbours_(neighbours) {
    machine_ = describe_machine();
    cpus_ = allowed_cpus();
    storage_file_ = folder_.path() + "/storage";
    bytecode_file_ = folder_.path() + "/bytecodes";
    try {
      quota_ = std::make_unique<QuotaGroup>();
    } catch (const Error& e) {
      // A neighbour of equal rights on the same CPU then leaves half of it.
      without_quota_ = e.what();
    }
    probe_ = fs::read_symlink("/proc/self/exe").parent_path() / "libhaywatt-probe.so";
    fs::create_directory(folder_.path() + "/python");
    write_text_file(folder_.path() + "/python/sitecustomize.py", bottleneck_files::sitecustomize);
    if (options_.prepare) options_.prepare(folder_.path());
  }

  void fill(BottleneckWorld& world) {
    using Clock = std::chrono::steady_clock;
    world.machine = machine_;
    world.cpus = static_cast<int>(cpus_.size());
    if (cpus_.size() < 2)
      for (const char* t : {"one CPU", "beside compute", "beside stream"})
        world.unavailable[t] = "there is only one CPU here";
    if (!quota_) world.notes.push_back("'less CPU' by a neighbour of equal rights on the same CPU: " + without_quota_);
    if (!fs::exists(probe_))
      for (const char* t : {"storage watched", "storage slowed"})
        world.unavailable[t] = probe_.string() + " is not there";
    world.run = [this, &world](const Treatment& t) {
      BottleneckRun r = run(t);
      // Beside a neighbour that was off its CPU the run says nothing: another program came between.
      constexpr int retries = 2;
      for (int i = 0; i < retries && t.beside && r.seen["neighbour_ran"] < undisturbed; ++i) r = run(t);
      world.energy_from = energy_from_;
      return r;
    };
    if (cpus_.size() >= 2) world.references = [this] { return references(); };
    world.now_s = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  }

 private:
  std::map<std::string, double> references() {
    const auto rate_of = [&](int place, int ms) {
      const NeighbourWork before = neighbours_.seen(place);
      ::usleep(static_cast<useconds_t>(ms) * 1000);
      return work_rate(before, neighbours_.seen(place));
    };
    constexpr int rounds = 2, look_ms = 150;
    std::vector<double> stream, slowed, chase;
    for (const Neighbour kind : {Neighbour::Stream, Neighbour::Chase}) {
      neighbours_.start(0, kind, cpus_[0]);
      for (int i = 0; i < rounds; ++i) {
        neighbours_.start(1, Neighbour::Compute, cpus_[1]);
        const double alone = rate_of(0, look_ms);
        neighbours_.start(1, Neighbour::Stream, cpus_[1]);
        const NeighbourWork before = neighbours_.seen(1);
        const double beside = rate_of(0, look_ms), theirs = work_rate(before, neighbours_.seen(1));
        (kind == Neighbour::Stream ? stream : chase).push_back(alone / beside);
        if (kind == Neighbour::Stream) slowed.push_back(theirs / alone);
      }
    }
    neighbours_.stop(0);
    neighbours_.stop(1);
    return {{"stream_memory", median_of(stream)},
            {"chase_memory", median_of(chase)},
            {"stream_slowed", 1.0 - median_of(slowed)}};
  }

  std::vector<std::string> environment(const Treatment& t) const {
    std::vector<std::string> list;
    if (t.huge_pages) list.push_back("GLIBC_TUNABLES=glibc.malloc.hugetlb=1");
    if (t.storage_delay) {
      list.push_back("LD_PRELOAD=" + probe_.string());
      list.push_back(fmt::format("HAYWATT_STORAGE_DELAY={}", *t.storage_delay));
      list.push_back("HAYWATT_STORAGE_SEEN=" + storage_file_);
    }
    if (t.bytecode_window > 0) {
      const char* before = std::getenv("PYTHONPATH");
      list.push_back("PYTHONPATH=" + folder_.path() + "/python" +
                     (before != nullptr && *before != '\0' ? ":" + std::string(before) : ""));
      list.push_back(fmt::format("HAYWATT_BYTECODE_WINDOW={}", t.bytecode_window));
      list.push_back("HAYWATT_BYTECODE_SEEN=" + bytecode_file_);
    }
    if (!t.span.empty()) list.push_back(fmt::format("HAYWATT_SPAN_DELAY={}={}", t.span, t.span_delay));
    if (const auto threads = t.knobs.find("threads"); threads != t.knobs.end())
      for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"})
        list.push_back(fmt::format("{}={}", name, threads->second));
    return list;
  }

  void check(const meter::ProgramResult& result) const {
    if (result.interrupted_by != 0) throw Interrupted();
    if (result.timed_out)
      fail_input(fmt::format("the command did not end within {}: give --timeout", si(options_.timeout_s, "s")));
    if (result.exit_code == 127 || result.exit_code == 126)
      fail_usage(fmt::format("the command cannot be run: {} ({})", options_.command.front(),
                             result.exit_code == 127 ? "not found" : "not executable"));
    if (result.exit_code == 0) return;
    const std::string words = last_line(result.last_words);
    fail_input(
        fmt::format("the command failed with exit code {}{}", result.exit_code, words.empty() ? "" : ": " + words));
  }

  BottleneckRun run(const Treatment& t) {
    std::unique_ptr<Pinned> pinned;
    BottleneckRun r;
    r.treatment = t.name;
    write_text_file(storage_file_, "");
    write_text_file(bytecode_file_, "");
    meter::ProgramOptions o;
    std::map<std::string, std::string> values = t.knobs;
    values["scratch"] = folder_.path();
    for (const std::string& word : options_.command) o.command.push_back(with_knobs(word, values));
    o.environment = environment(t);
    o.estimate = options_.estimate;
    o.interval_ms = 20;
    o.timeout_s = options_.timeout_s;
    o.dies_with_us = true;
    o.streams =
        options_.show_output ? meter::ProgramOptions::Streams::Inherit : meter::ProgramOptions::Streams::Discard;
    double alone = 0.0;
    NeighbourWork before;
    if (t.beside) {
      neighbours_.start(1, static_cast<Neighbour>(*t.beside), cpus_.at(1));
      const NeighbourWork first = neighbours_.seen(1);
      ::usleep(150'000);
      before = neighbours_.seen(1);
      alone = work_rate(first, before);
    }
    const bool shared_cpu = t.cpu_quota > 0.0 && !quota_;
    if (shared_cpu) neighbours_.start(0, Neighbour::Compute, cpus_.at(0));
    if (t.one_cpu) pinned = std::make_unique<Pinned>(cpus_.at(0));
    if (t.cpu_quota > 0.0 && quota_) quota_->enter(t.cpu_quota);
    const meter::ProgramResult result = meter::meter_program(machine_, o);
    if (t.cpu_quota > 0.0 && quota_) quota_->leave();
    pinned.reset();
    if (shared_cpu) neighbours_.stop(0);
    if (t.beside) {
      const NeighbourWork after = neighbours_.seen(1);
      r.seen["neighbour_ran"] = (after.cpu_s - before.cpu_s) / std::max(1e-9, result.run.wall_s);
      ::usleep(150'000);
      // Before and after: a clock frequency that drifts cancels.
      alone = 0.5 * (alone + work_rate(after, neighbours_.seen(1)));
      r.seen["neighbour_slowed"] = 1.0 - work_rate(before, after) / alone;
      neighbours_.stop(1);
    }
    check(result);
    fill_in(r, t, result.run);
    return r;
  }

  void fill_in(BottleneckRun& r, const Treatment& t, const RunRecord& run) {
    r.wall_s = run.wall_s;
    r.cpu_s = run.cpu_s;
    r.energy_J = energy_of(run, energy_from_);
    // The estimate takes a pinned program for one on a smaller machine.
    if (t.one_cpu && t.cpu_quota == 0.0 && energy_from_.starts_with("estimate")) r.energy_J = not_known;
    r.seen["rss_peak_B"] = static_cast<double>(run.rss_peak_B);
    if (run.tree) {
      r.user_s = run.tree->user_s;
      r.seen["voluntary_switches"] = static_cast<double>(run.tree->voluntary_switches);
      r.seen["major_faults"] = static_cast<double>(run.tree->major_faults);
      double at_once = static_cast<double>(run.tree->threads_peak);
      for (const SampleRecord& s : run.samples) at_once = std::max(at_once, static_cast<double>(s.threads));
      r.seen["at_once"] = at_once;
    }
    for (const PhaseRecord& p : run.phases)
      if (p.name != "other") r.seen[span_seen + p.name] = p.wall_s;
    if (!t.span.empty()) r.seen["span_delay"] = t.span_delay;
    if (t.cpu_quota > 0.0) r.seen["quota_ratio"] = quota_ ? 1.0 / t.cpu_quota : 2.0;
    if (t.storage_delay) read_storage(r, *t.storage_delay);
    if (t.bytecode_window > 0) read_bytecodes(r);
  }

  void read_storage(BottleneckRun& r, double delay) const {
    std::ifstream in(storage_file_);
    double seconds = 0.0, calls = 0.0, bytes = 0.0, s = 0.0, c = 0.0, b = 0.0;
    bool any = false;
    while (in >> s >> c >> b) {
      any = true;
      seconds += s;
      calls += c;
      bytes += b;
    }
    if (!any) return;
    r.seen["storage_s"] = seconds;
    r.seen["storage_calls"] = calls;
    r.seen["storage_B"] = bytes;
    if (delay > 0.0) r.seen["storage_delay"] = delay;
  }

  void read_bytecodes(BottleneckRun& r) const {
    std::ifstream in(bytecode_file_);
    double near_s = 0.0, sampled_s = 0.0, bytecodes = 0.0, window_s = 0.0;
    for (std::string line; std::getline(in, line);) {
      const auto j = nlohmann::json::parse(line, nullptr, false);
      if (!j.is_object()) continue;
      near_s += j.value("near_s", 0.0);
      sampled_s += j.value("sampled_s", 0.0);
      bytecodes += j.value("bytecodes", 0.0);
      window_s += j.value("window_s", 0.0);
    }
    if (!(sampled_s > 0.0)) return;
    r.seen["bytecode_share"] = near_s / sampled_s;
    r.seen["bytecodes"] = bytecodes;
    r.seen["bytecode_window_s"] = window_s;
  }

  const BottleneckOptions& options_;
  Neighbours& neighbours_;
  Machine machine_;
  std::vector<int> cpus_;
  ProbeFolder folder_;
  std::string storage_file_, bytecode_file_, without_quota_, energy_from_;
  std::unique_ptr<QuotaGroup> quota_;
  fs::path probe_;
};

}  // namespace

std::string with_knobs(std::string word, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    const std::string mark = "{" + name + "}";
    for (auto at = word.find(mark); at != std::string::npos; at = word.find(mark, at + value.size()))
      word.replace(at, mark.size(), value);
  }
  return word;
}

int with_bottleneck_world(const BottleneckOptions& options, const std::string& haywatt_version,
                          const std::function<int(BottleneckWorld&)>& body) {
  return with_neighbours([&](Neighbours& neighbours) {
    World real(options, neighbours);
    BottleneckWorld world;
    world.haywatt_version = haywatt_version;
    real.fill(world);
    return body(world);
  });
}

}  // namespace haywatt::experiment
