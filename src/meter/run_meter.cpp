#include "haywatt/meter/run_meter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "haywatt/base/error.hpp"
#include "haywatt/exec/pool.hpp"
#include "meter/readings.hpp"
#include "meter/run_energy.hpp"
#include "meter/sampler.hpp"
#include "meter/span_log.hpp"

namespace haywatt::meter {
namespace {

constexpr std::size_t sweep_at_borders = 20'000;

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

struct RunMeter::State {
  State(const Machine& m, MeterOptions o)
      : machine(m), options(std::move(o)), log([this](const SpanBorder& at) {
          if (readings) readings->read_at_border(at);
        }) {
    machine.cpu_quota = exec::cpu_quota();  // the machine's description knows of affinity only
  }

  Machine machine;
  MeterOptions options;
  SpanLog log;
  bool running = false;
  SpanListener* previous = nullptr;
  SpanBorder start, end;
  IoCounts io_at_start;
  std::uint64_t rss_at_start_B = 0, peak_before_B = 0;
  bool peak_was_reset = false;
  std::unique_ptr<Readings> readings;
  std::unique_ptr<PhaseSweep> phases;
  std::unique_ptr<Sampler> sampler;

  /// On the sampler's thread, and at the end on the caller's once that thread is gone.
  void sweep(const SpanBorder& now) {
    const std::vector<Cut> cuts = readings->new_cuts();
    phases->sweep(log.take(), cuts, now, thread_cpu_ns);
  }

  void begin();
  void finish();
  void fill_totals(RunRecord& run);
};

void RunMeter::State::begin() {
  ProcFile statm("/proc/self/statm"), io("/proc/self/io"), status("/proc/self/status");
  readings = std::make_unique<Readings>(machine);
  peak_was_reset = reset_peak_resident();
  peak_before_B = peak_resident_B(status.text()).value_or(0);
  rss_at_start_B = resident_B(statm.text()).value_or(0);
  io_at_start = io_counts(io.text()).value_or(IoCounts{});
  start = read_span_border();
  readings->read_slowly(start);
  (void)readings->new_cuts();  // the first reading begins the first slice and ends none
  phases = std::make_unique<PhaseSweep>(start);
  try {
    sampler = std::make_unique<Sampler>(
        options.interval_ms, start.wall_ns, io_at_start, start.process_cpu_ns,
        [this] {
          readings->tick();
          if (log.waiting() >= sweep_at_borders) sweep(read_span_border());
        },
        [this] { readings->read_slowly(read_span_border()); });
  } catch (const std::system_error& e) {
    fail_system(fmt::format("cannot start the sampling thread: {}", e.what()));
  }
  running = true;
  log.open();
  previous = set_span_listener(&log);
}

void RunMeter::State::finish() {
  running = false;
  set_span_listener(previous);
  log.close();
  sampler->stop();
  end = read_span_border();
  readings->read_slowly(end);
  sweep(end);
  phases->finish();
}

void RunMeter::State::fill_totals(RunRecord& run) {
  ProcFile io("/proc/self/io"), status("/proc/self/status");
  run.wall_s = seconds(end.wall_ns - start.wall_ns);
  run.cpu_s = seconds(end.process_cpu_ns - start.process_cpu_ns);
  run.sampler_cpu_s = sampler->cpu_s();
  run.samples = sampler->samples();
  if (const auto now = io_counts(io.text())) {
    run.read_B = now->read_B - io_at_start.read_B;
    run.written_B = now->written_B - io_at_start.written_B;
  } else {
    run.warnings.emplace_back("bytes read and written are unknown: /proc/self/io cannot be read");
  }
  run.rss_start_B = rss_at_start_B;
  run.rss_peak_B = std::max(rss_at_start_B, sampler->peak_B());
  const std::uint64_t high_water_B = peak_resident_B(status.text()).value_or(0);
  // A high-water mark that could not be reset belongs to this run only if it rose in it.
  if (peak_was_reset || high_water_B > peak_before_B) run.rss_peak_B = std::max(run.rss_peak_B, high_water_B);
  if (!peak_was_reset)
    run.warnings.emplace_back(
        fmt::format("peak memory may be too low: the kernel's mark could not be reset, so peaks shorter than {} ms are "
                    "missed",
                    options.interval_ms));
  if (const auto missed = sampler->missed(); missed > 0)
    run.warnings.emplace_back(fmt::format("{} samples were missed for lack of memory", missed));
  if (const auto lost = log.lost(); lost > 0)
    run.warnings.emplace_back(fmt::format("{} borders of spans were lost, their time is in other phases", lost));
}

RunMeter::RunMeter(const Machine& machine, MeterOptions options)
    : state_(std::make_unique<State>(machine, std::move(options))) {}

RunMeter::~RunMeter() {
  if (state_->running) state_->finish();
}

void RunMeter::start() {
  if (state_->running || state_->sampler) fail_usage("a meter is started once: make a new one for each run");
  state_->begin();
}

void RunMeter::stop(RunRecord& run) {
  if (!state_->running) fail_usage("the meter was not started");
  state_->finish();
  state_->fill_totals(run);
  const State& s = *state_;
  const std::string run_id = s.options.run_id.empty() ? fmt::format("{}", s.start.wall_ns) : s.options.run_id;
  fill_phases_and_energy({s.machine,
                          *s.readings,
                          *s.phases,
                          s.log.names(),
                          s.start.wall_ns,
                          {s.machine.id, run_id, run.method.empty() ? run_id : run.method},
                          s.options.estimate},
                         run);
}

}  // namespace haywatt::meter
