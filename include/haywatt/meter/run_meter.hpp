/// Meters this process from start() to stop(): spans become phases, a 10 Hz sampler follows memory and I/O, energy
/// sensors are read at phase borders, or the estimate stands in.
#pragma once
#include <memory>

#include "haywatt/base/span.hpp"
#include "haywatt/meter/estimate.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::meter {

struct MeterOptions {
  int interval_ms = 100;
  std::string run_id;          ///< correlation id of what belongs to this run alone
  EstimateOptions estimate{};  ///< what is known of the machine and the estimate cannot see
};

/// One at a time per process (it installs itself as the span listener). start() and stop() belong to one thread; spans
/// may be announced by any. Error(Usage) if started twice, or stopped without a start. The meter must outlive every
/// span that was opened between start() and stop(). A run that fails may leave it unstopped.
class RunMeter {
 public:
  RunMeter(const Machine& machine, MeterOptions options);
  ~RunMeter();
  RunMeter(const RunMeter&) = delete;
  RunMeter& operator=(const RunMeter&) = delete;
  void start();
  /// Fills wall_s, cpu_s, rss_*, read_B, written_B, sampler_cpu_s, energy, phases, spans, samples, warnings of `run`.
  /// Reads run.method: what the instructions of a method cost cancels among its own runs (docs/energy.md).
  void stop(RunRecord& run);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace haywatt::meter
