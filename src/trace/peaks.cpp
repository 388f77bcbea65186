#include "haywatt/trace/peaks.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <thread>

#include "trace/peak_kernels.hpp"

namespace haywatt::trace {
namespace {

constexpr double pass_s = 0.004;  // short enough that most passes are not interrupted
constexpr double point_s = 0.08;  // for all passes of one point, but at least `least_passes`
constexpr int least_passes = 4;
constexpr std::size_t most_of_l3 = 32 << 20;  // a virtual machine sees a cache that it shares with others

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Free {
  void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
};
using Buffer = std::unique_ptr<std::byte[], Free>;

Buffer make_buffer(std::size_t bytes) {
  Buffer buffer(new (std::align_val_t{64}) std::byte[bytes]);
  std::memset(buffer.get(), 1, bytes);  // pages must be there
  return buffer;
}

/// Units a second of `work`, which does one unit a call, on `threads` threads that start each pass together: the most
/// of all passes.
double best_rate(int threads, const std::function<void(int thread, std::size_t times)>& work) {
  std::atomic<double> sink{0.0};
  std::size_t times = 1;
  double once_s = 0.0;
  for (;;) {  // how often fills a pass
    const double start = now_s();
    work(0, times);
    once_s = now_s() - start;
    if (once_s > pass_s / 2 || times > (std::size_t{1} << 40)) break;
    times *= 2;
  }
  const int passes = std::max(least_passes, static_cast<int>(std::min(point_s / once_s, 100.0)));
  double best = 0.0;
  if (threads == 1) {
    for (int p = 0; p < passes; ++p) {
      const double start = now_s();
      work(0, times);
      best = std::max(best, static_cast<double>(times) / (now_s() - start));
    }
    return best;
  }
  std::vector<double> starts(static_cast<std::size_t>(threads)), ends(starts.size());
  const auto note = [&]() noexcept {
    const double first = *std::min_element(starts.begin(), starts.end());
    const double last = *std::max_element(ends.begin(), ends.end());
    if (last > first) best = std::max(best, static_cast<double>(times) * threads / (last - first));
  };
  std::barrier begin(threads);
  std::barrier end(threads, note);
  std::vector<std::jthread> team;
  team.reserve(static_cast<std::size_t>(threads));
  for (int t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      for (int p = 0; p < passes; ++p) {
        begin.arrive_and_wait();
        starts[static_cast<std::size_t>(t)] = now_s();
        work(t, times);
        ends[static_cast<std::size_t>(t)] = now_s();
        end.arrive_and_wait();
      }
    });
  team.clear();
  return best;
}

/// Keeps results alive.
void use(double x) { asm volatile("" : : "x"(x)); }

void measure_compute(int threads, Peaks& peaks) {
  const PeakKernels& k = peak_kernels();
  constexpr std::size_t rounds = 1000;
  const auto rate = [&](double (*run)(std::size_t), std::size_t flops) {
    return best_rate(threads,
                     [&](int, std::size_t times) {
                       for (std::size_t i = 0; i < times; ++i) use(run(rounds));
                     }) *
           static_cast<double>(flops * rounds);
  };
  peaks.compute.push_back({"f64", threads, rate(k.multiply_add_f64, k.flops_per_round_f64)});
  peaks.compute.push_back({"f32", threads, rate(k.multiply_add_f32, k.flops_per_round_f32)});
}

std::size_t cache_B(int name, std::size_t otherwise) {
  const long size = ::sysconf(name);
  return size > 0 ? static_cast<std::size_t>(size) : otherwise;
}

void measure_memory(int threads, Peaks& peaks) {
  const std::size_t l1 = cache_B(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), l2 = cache_B(_SC_LEVEL2_CACHE_SIZE, 1 << 20),
                    l3 = cache_B(_SC_LEVEL3_CACHE_SIZE, 0);
  struct Level {
    const char* name;
    std::size_t size_B;  // of the level
    std::size_t read_B;  // by each thread
  };
  const auto n = static_cast<std::size_t>(threads);
  const std::size_t beyond = std::clamp<std::size_t>(4 * std::max(l2, l3), 64 << 20, 512 << 20);
  std::vector<Level> levels = {{"L1", l1, l1 / 2}, {"L2", l2, l2 / 2}};
  if (l3 > 2 * l2) levels.push_back({"L3", l3, std::max(std::min(l3 / 2, most_of_l3) / n, 2 * l2)});
  levels.push_back({"DRAM", 0, beyond / n});
  for (Level& level : levels) {
    const std::size_t bytes = std::max<std::size_t>(level.read_B / 1024, 1) * 1024;
    std::vector<Buffer> buffers;
    for (std::size_t t = 0; t < n; ++t) buffers.push_back(make_buffer(bytes));
    const double rate = best_rate(threads, [&](int t, std::size_t times) {
      for (std::size_t i = 0; i < times; ++i)
        use(peak_kernels().read(buffers[static_cast<std::size_t>(t)].get(), bytes));
    });
    peaks.memory.push_back({level.name, threads, static_cast<double>(level.size_B), rate * static_cast<double>(bytes)});
  }
}

}  // namespace

Peaks measure_peaks(int threads) {
  Peaks peaks;
  measure_compute(1, peaks);
  measure_memory(1, peaks);
  if (threads > 1) {
    measure_compute(threads, peaks);
    measure_memory(threads, peaks);
  }
  return peaks;
}

}  // namespace haywatt::trace
