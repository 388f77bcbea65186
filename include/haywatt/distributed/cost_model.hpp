/// What a layout will cost, before it runs: time from a walk over its programs with measured speeds of the layers and
/// of the link, CPU time from how ranks wait. Pure functions, thread-safe. Formulas and sources: docs/layouts.md.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/distributed/layout.hpp"

namespace haywatt::distributed {

/// One measured size of a message: seconds one way (half of a ping-pong), seconds that both ends need to exchange as
/// much with each other, seconds the sender is busy, and seconds to receive what has already arrived.
struct LinkSample {
  std::uint64_t bytes = 0;
  double one_way_s = 0.0, exchange_s = 0.0, send_s = 0.0, late_receive_s = 0.0;
  /// A send's buffer was free again while the receiver did not call MPI.
  bool completes_alone = true;
};

/// t(s) = alpha + beta s on a range of sizes (Hockney, Parallel Computing 20, 1994).
struct LinkSegment {
  std::uint64_t up_to_B = UINT64_MAX;  ///< largest size of this segment
  double alpha_s = 0.0, beta_s_per_B = 0.0;
};

/// Straight lines for sizes up to each of `breaks_B` and beyond, each fitted with least relative squares to the samples
/// in its range (and the one before it, if it has a single one); beta is never negative, alpha not in the first.
/// Error(Usage) without samples.
[[nodiscard]] std::vector<LinkSegment> fit_segments(const std::vector<std::uint64_t>& bytes,
                                                    const std::vector<double>& seconds,
                                                    const std::vector<std::uint64_t>& breaks_B);
[[nodiscard]] double seconds_of(const std::vector<LinkSegment>& segments, std::uint64_t bytes);

/// The link between two ranks. Every rank has one way out, which its messages take one after the other.
struct LinkModel {
  std::vector<LinkSegment> one_way, exchange, send, late_receive;
  std::uint64_t eager_limit_B = 65536;  ///< larger messages start only when the receiver is waiting (rendezvous)
  /// A send of more that waits for its buffer goes on only when the receiver calls MPI (or waits in it), even where the
  /// message has left at once: Open MPI's shared memory takes back its copy then.
  std::uint64_t alone_limit_B = UINT64_MAX;
  /// A token bucket on the way out: so much may leave at once, the rest at the rate, which also refills the bucket. The
  /// lines above are those of a full bucket. Rate 0: none.
  double bucket_B = 0.0, rate_B_s = 0.0;
  double add_s_per_B = 0.0;     ///< adding up partial sums, per byte of the sum
  double wait_cpu_share = 1.0;  ///< CPU seconds a second of waiting: 1 for a rank that spins

  /// From samples made with a full bucket (the limit of sends that complete alone too), with breaks at the eager limit
  /// and at `burst_B` (0: none), what a token bucket lets pass at once; its rate is the slope of the largest sizes.
  static LinkModel fitted(const std::vector<LinkSample>& samples, std::uint64_t eager_limit_B, std::uint64_t burst_B);
  /// Assumed: alpha and beta for all sizes, ends busy for `overhead_s` a message.
  static LinkModel assumed(double alpha_s, double beta_s_per_B, double overhead_s);
};

/// Which weights a rank goes through between two uses of the same layer, and whether the other ranks work too: both
/// decide where weights come from, cache or memory, and how fast. Turns: stages of which one works at a time, as those
/// of a pipeline with a single micro-batch do.
enum class Company { Alone, Rows, Stages, Slices, Turns };
[[nodiscard]] Company company_of(Layout layout, std::uint64_t rows, std::uint64_t micro_batches);

/// What a layer's time depends on; Finish steps have no inputs.
struct LayerKey {
  std::uint64_t rows = 0, inputs = 0, outputs = 0;
  Company company = Company::Alone;
  // clang-tidy 14 sees a 0 in it.
  friend auto operator<=>(const LayerKey&, const LayerKey&) = default;  // NOLINT(modernize-use-nullptr)
};
[[nodiscard]] LayerKey key_of(const Step& step, Company company);

/// Seconds of layers, measured (calibration) or from a curve fitted to what was measured:
///   t = t0 + 2 rows inputs outputs / R + 4 inputs outputs / B
/// (roofline as a sum, Williams et al., CACM 52, 2009). R is the FLOP rate, B the rate at which weights arrive.
class ComputeModel {
 public:
  void add(const LayerKey& key, double seconds) { measured_[key] = seconds; }
  [[nodiscard]] const std::map<LayerKey, double>& measured() const { return measured_; }
  /// Fits t0, R and B with least relative squares to what was measured. Error(Usage) with fewer than three keys.
  void fit();
  struct Curve {
    double layer_s = 0.0, s_per_FLOP = 0.0, s_per_weight_B = 0.0;
    double worst_deviation = 0.0;  ///< largest |t/measured - 1|
    double median_deviation = 0.0;
  };
  [[nodiscard]] const std::optional<Curve>& curve() const { return curve_; }
  void set_curve(const Curve& c) { curve_ = c; }
  /// The measured value; else that of the curve. Error(Usage) if there is neither.
  [[nodiscard]] double seconds(const LayerKey& key) const;

 private:
  std::map<LayerKey, double> measured_;
  std::optional<Curve> curve_;
};

struct RankPrediction {
  double finish_s = 0.0;   ///< when its last step is done
  double compute_s = 0.0;  ///< in layers
  double busy_s = 0.0;     ///< in layers, sending and receiving
  double cpu_s = 0.0;      ///< busy, and its share of waiting
  RankMemory memory;
};

struct Prediction {
  double time_s = 0.0;  ///< until rank 0 has the result
  std::vector<RankPrediction> ranks;
  [[nodiscard]] double cpu_s() const;
};

/// Walks the programs. A send of up to the eager limit leaves at once and arrives after alpha + beta s, later if the
/// sender's earlier messages are still on the way or have emptied its token bucket; a larger one starts when the
/// receiver waits for it. An all-reduce of two ranks is one exchange, of p > 2 ranks a ring of 2(p-1) exchanges of s/p.
/// Error(Usage) if the programs can never end.
[[nodiscard]] Prediction predict(const std::vector<Program>& programs, const std::vector<LayerShape>& layers,
                                 Company company, const ComputeModel& compute, const LinkModel& link);

}  // namespace haywatt::distributed
