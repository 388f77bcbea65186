/// What metering costs: the sampling thread's CPU seconds over the program's, and the time of one border of a span.
/// Usage: meter_cost [SECONDS]   (10 by default; 10 Hz, one busy thread that opens a span every 10 ms)
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "haywatt/meter/run_meter.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

double border_ns() {
  constexpr int spans = 100'000;
  const auto start = clock_type::now();
  for (int i = 0; i < spans; ++i) const haywatt::ScopedSpan span("border");
  return seconds_since(start) / (2.0 * spans) * 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  const double run_s = argc > 1 ? std::atof(argv[1]) : 10.0;
  const haywatt::Machine machine = haywatt::describe_machine();
  fmt::print("border of a span without a meter: {:.0f} ns\n", border_ns());

  haywatt::RunRecord run;
  haywatt::meter::RunMeter meter(machine, {100, "bench"});
  meter.start();
  const auto start = clock_type::now();
  while (seconds_since(start) < run_s) {
    const haywatt::ScopedSpan span("encode");
    const auto chunk = clock_type::now();
    while (seconds_since(chunk) < 0.01) {
    }
  }
  const double stop_from = seconds_since(start);
  meter.stop(run);
  fmt::print("10 Hz over {:.2f} s: sampler {:.6f} CPU-s of {:.3f} CPU-s = {:.4f} %, {} samples, stop took {:.1f} ms\n",
             run.wall_s, run.sampler_cpu_s, run.cpu_s, 100.0 * run.sampler_cpu_s / run.cpu_s, run.samples.size(),
             1e3 * (seconds_since(start) - stop_from));

  haywatt::meter::RunMeter borders(machine, {100, "bench"});
  borders.start();
  const double ns = border_ns();
  borders.stop(run);
  fmt::print("border of a span with a meter: {:.0f} ns\n", ns);
}
