#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <random>

#include "haywatt/base/text.hpp"
#include "trace/sampling/proc_text.hpp"
#include "trace/sampling/proc_tree.hpp"
#include "trace/sampling/sampler.hpp"
#include "trace/sampling/stack_collector.hpp"
#include "trace/sampling/thread_stop.hpp"

namespace haywatt::trace {
namespace {

/// Looking at thousands of threads takes long: the next look waits until the sampler has used at most so much of a CPU.
constexpr double most_own_share = 0.02;
constexpr std::size_t longest_maps_B = 16 << 20;

std::int64_t clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

class PtraceSampler final : public Sampler {
 public:
  explicit PtraceSampler(const SamplingOptions& options)
      : period_ns_(static_cast<std::int64_t>(1e9 / options.rate_Hz)), stops_(options.stack_B), stacks_(options) {}

  void start(pid_t parent) override {
    tree_.emplace(parent);
    last_look_ns_ = clock_ns(CLOCK_MONOTONIC);
    plan_next(0);
  }
  int wait_ms() const override {
    return static_cast<int>(
        std::max<std::int64_t>(0, (next_look_ns_ - clock_ns(CLOCK_MONOTONIC) + 999'999) / 1'000'000));
  }
  void add_descriptors(std::vector<pollfd>&) const override {}

  void step() override {
    const std::int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (now < next_look_ns_) return;
    const std::int64_t cpu_before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    stops_.release_late();
    const auto running = tree_->running();
    for (const ThreadLook& t : running) sample(t, static_cast<double>(now - last_look_ns_));
    forget_ended();
    ++looks_;
    last_look_ns_ = now;
    plan_next(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_before);
  }

  void finish(Sampled& result) override {
    StackProfile& p = result.stacks;
    p.by = "ptrace";
    p.clock = "cpu";
    p.period_s = 1e-9 * static_cast<double>(period_ns_);
    stacks_.finish(result);
    result.notes.emplace_back("time in the kernel counts as that of the function that called it");
    if (refused_ > 0)
      result.notes.push_back(fmt::format(
          "{} times a thread could not be looked at: it is traced by somebody else, or another user's", refused_));
    if (slowed_ > looks_ / 10)
      result.notes.emplace_back(
          "so many threads, or processes that come and go, take long to look at: there were fewer samples than asked "
          "for");
  }

 private:
  struct Thread {
    std::uint64_t cpu_ns = 0;  ///< when last sampled
    std::uint64_t look = 0;    ///< at which it was last seen running
  };
  struct Known {
    std::uint64_t started = 0, code_start = 0;
    std::uint64_t maps_read_at = 0;  ///< look
    bool python = false;
    AddressSpace space;
  };

  /// Times between looks vary, or they would keep step with programs that do.
  void plan_next(std::int64_t cost_ns) {
    std::uniform_real_distribution<double> spread(0.5, 1.5);
    const auto wanted = static_cast<std::int64_t>(static_cast<double>(period_ns_) * spread(random_));
    // The least of the latest: a file is read once, and is not what looking costs.
    costs_ns_[looks_ % costs_ns_.size()] = cost_ns;
    const std::int64_t usual_ns = *std::min_element(costs_ns_.begin(), costs_ns_.end());
    const auto needed = static_cast<std::int64_t>(static_cast<double>(usual_ns) / most_own_share);
    if (needed > 2 * period_ns_) ++slowed_;
    next_look_ns_ = last_look_ns_ + std::max(wanted, needed);
  }

  /// A thread known before has used what its clock says. A new one stands for the time since the last look, as many
  /// like it were not seen, and of it for the part that it was on a CPU and not waiting for one.
  double weight_ns(const ThreadLook& t, double since_last_look_ns) {
    const auto [at, is_new] = threads_.try_emplace(t.tid);
    Thread& known = at->second;
    double weight = since_last_look_ns;
    if (is_new && t.cpu_ns > 0)
      weight *= static_cast<double>(t.cpu_ns) / static_cast<double>(t.cpu_ns + t.waited_ns);
    else if (t.cpu_ns > 0)
      weight = t.cpu_ns > known.cpu_ns ? static_cast<double>(t.cpu_ns - known.cpu_ns) : 0.0;
    known.cpu_ns = t.cpu_ns;
    known.look = looks_;
    return weight;
  }

  void sample(const ThreadLook& t, double since_last_look_ns) {
    Registers registers;
    StackCopy stack;
    const auto got = stops_.copy(t.pid, t.tid, registers, stack);
    if (got == ThreadStops::Result::Refused) {
      ++refused_;
      return;
    }
    const ProcTree::Process* process = tree_->process(t.pid);
    if (process == nullptr) return;
    const double weight = weight_ns(t, since_last_look_ns);
    if (weight <= 0.0) return;
    if (got == ThreadStops::Result::Gone) {  // its time was used all the same
      stacks_.add_without_stack(process->name, "[ended before it could be stopped]", 1, 1e-9 * weight);
      return;
    }
    Known& known = known_[t.pid];
    const bool replaced = known.started != process->started || known.code_start != process->code_start;
    if (replaced || (known.space.find(registers.pc) == nullptr && known.maps_read_at != looks_)) {
      known.started = process->started;
      known.code_start = process->code_start;
      read_space(t.pid, known);
    }
    frames_.clear();
    bool whole = stacks_.walk(t.pid, known.space, registers, stack, frames_);
    if (!whole && known.maps_read_at + 50 < looks_) {  // libraries may have been loaded meanwhile
      read_space(t.pid, known);
      frames_.clear();
      whole = stacks_.walk(t.pid, known.space, registers, stack, frames_);
    }
    stacks_.add(t.pid, process->name, known.python, frames_, whole, 1e-9 * weight);
  }

  void read_space(pid_t pid, Known& known) {
    known.maps_read_at = looks_;
    known.space = AddressSpace();
    known.python = false;
    for (Mapping& m : read_maps(proc_text(fmt::format("/proc/{}/maps", pid).c_str(), longest_maps_B))) {
      known.python = known.python || is_python(m.file.path);
      known.space.add(std::move(m));
    }
  }

  /// Numbers of threads come again.
  void forget_ended() {
    if (threads_.size() < 10'000 && known_.size() < 1'000) return;
    std::erase_if(threads_, [&](const auto& t) { return t.second.look + 1'000 < looks_; });
    std::erase_if(known_, [&](const auto& k) { return tree_->process(k.first) == nullptr; });
  }

  std::int64_t period_ns_;
  std::optional<ProcTree> tree_;
  ThreadStops stops_;
  StackCollector stacks_;
  std::unordered_map<pid_t, Thread> threads_;
  std::unordered_map<pid_t, Known> known_;
  std::vector<std::uint32_t> frames_;
  std::mt19937_64 random_{20240229};
  std::array<std::int64_t, 4> costs_ns_{};
  std::int64_t last_look_ns_ = 0, next_look_ns_ = 0;
  std::uint64_t looks_ = 0, slowed_ = 0, refused_ = 0;
};

}  // namespace

std::unique_ptr<Sampler> make_ptrace_sampler(const SamplingOptions& options, std::string& reason) {
  reason = why_no_ptrace();
  return reason.empty() ? std::make_unique<PtraceSampler>(options) : nullptr;
}

}  // namespace haywatt::trace
