/// What announcing libtorch's operators to a recorder costs: CPU seconds of Baler's training and compressing at batch
/// 512 with hooks over those without, in pairs whose order changes, with a 95 % interval (metrics/paired.hpp).
/// Usage: hooks_cost [PAIRS] [ROWS]   (20 and 20,000 by default)
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/libtorch_baler.hpp"
#include "haywatt/codec/baler/operator_hooks.hpp"
#include "haywatt/metrics/paired.hpp"
#include "haywatt/trace/operator_recorder.hpp"

namespace {

using namespace haywatt;

double cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double cost_of(const std::function<void()>& work) {
  const double start = cpu_s();
  work();
  return cpu_s() - start;
}

void measure(const char* name, int pairs, const baler::OperatorHooks& hooks, const std::function<void()>& work) {
  work();
  std::vector<double> logs;
  baler::HookCost seen;
  for (int i = 0; i < pairs; ++i) {
    const auto with = [&] {
      trace::OperatorRecorder recorder;
      recorder.start();
      hooks.start(recorder, {});
      const double cost = cost_of(work);
      seen = hooks.stop();
      (void)recorder.stop();
      return cost;
    };
    double off = 0.0, on = 0.0;
    if (i % 2 == 0) off = cost_of(work);
    on = with();
    if (i % 2 != 0) off = cost_of(work);
    logs.push_back(std::log(on / off));
  }
  const metrics::Estimate ratio = metrics::paired_centre(logs);
  const auto percent = [](double l) { return 100 * (std::exp(l) - 1); };
  fmt::print("{:<24} {:+.2f} % (95 %: {:+.2f} to {:+.2f}), {} of {} batches, {} operators, {:.2f} us each\n", name,
             percent(ratio.centre), percent(ratio.low), percent(ratio.high), seen.batches_seen, seen.batches,
             seen.operators, 1e6 * seen.spent_s / static_cast<double>(seen.operators));
}

}  // namespace

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 20;
  const auto rows = static_cast<std::uint64_t>(argc > 2 ? std::atol(argv[2]) : 20000);
  std::string why;
  const baler::OperatorHooks* hooks = baler::load_operator_hooks(why);
  const baler::LibtorchBaler* torch = baler::load_libtorch_baler(why);
  if (hooks == nullptr || torch == nullptr || pairs < 6) {
    fmt::print(stderr, "hooks_cost: {}\n", why.empty() ? "at least 6 pairs" : why);
    return 5;
  }
  std::vector<double> table;
  for (std::uint64_t i = 0; i < rows * 24; ++i) table.push_back(std::sin(0.1 * static_cast<double>(i * i % 9973)));
  const baler::ArrayView view = {nullptr, table.data(), rows, 24};
  baler::TrainConfig config;
  config.compression_ratio = 1.6;
  config.epochs = 3;
  baler::Ranges ranges;
  baler::Model model;
  for (const bool narrow : {false, true}) {
    baler::Habits habits;
    habits.type = narrow ? baler::NetworkType::Float32 : baler::NetworkType::Float64;
    const std::string type = narrow ? " f32" : " f64";
    const auto train = [&] { model = torch->train(view, config, habits, ranges, {}, {}).model; };
    measure(("train, written out" + type).c_str(), pairs, *hooks, train);
    const auto compress = [&] {
      for (int i = 0; i < 10; ++i) (void)torch->compress(view, model, habits, ranges, {});
    };
    measure(("compress" + type).c_str(), pairs, *hooks, compress);
    habits.autograd = true;
    measure(("train, autograd" + type).c_str(), pairs, *hooks, train);
  }
  return 0;
}
