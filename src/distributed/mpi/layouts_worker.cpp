#include "distributed/mpi/layouts_worker.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <list>

#include "distributed/mpi/layout_run.hpp"
#include "distributed/mpi/link_calibration.hpp"
#include "distributed/mpi/shaped_link.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::distributed {
namespace {

constexpr double link_budget_s = 1.5;
constexpr double layer_budget_s = 0.3;  // of timing the layers of a batch, beyond the least number of passes
constexpr int most_passes = 30;
constexpr int most_repeats = 30;
constexpr double quick_s = 0.3;  // a layout that needs less in all is repeated more often

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  return n == 0 ? 0.0 : 0.5 * (v[(n - 1) / 2] + v[n / 2]);
}

int from_rank_0(int value) {
  check_mpi(MPI_Bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD), "broadcast");
  return value;
}

/// "Open MPI v4.1.4, package: …" up to the first comma.
std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string whole(text, static_cast<std::size_t>(length));
  return whole.substr(0, whole.find(','));
}

/// A layer's median on one rank, as it travels to rank 0.
struct TimedLayer {
  LayerKey key;
  double seconds = 0.0;
};

class Worker {
 public:
  explicit Worker(const LayoutsJob& job)
      : job_(job),
        channel_(MPI_COMM_WORLD, job.spin ? Waiting::Spin : Waiting::Sleep),
        network_(wide_autoencoder(job.columns, job.latent, job.widen), job.seed) {
    if (!job.devices.empty() && job.devices.size() != static_cast<std::size_t>(channel_.ranks()))
      fail_usage("the job of haywatt-mpi names another number of devices than there are ranks");
    for (const std::uint64_t batch : job.batches) {
      const std::vector<float> input = random_rows(batch, job.columns, job.seed);
      for (const Layout layout : job.layouts)
        runs_.emplace_back(layout, network_, channel_, batch, job.micro_batches, input);
    }
  }

  LayoutPart run() {
    LayoutPart part;
    part.widen = job_.widen;
    part.macs_per_row = macs_per_row(network_.shapes());
    part.weights_B = weight_bytes(network_.shapes());
    part.mpi = mpi_version();
    part.blas = openblas_get_config();
    limit(0.0);
    check_results();
    time_layers(3);
    compute_.fit();
    const auto& c = *compute_.curve();
    part.curve = {c.layer_s, c.s_per_FLOP, c.s_per_weight_B, c.worst_deviation, c.median_deviation};
    add_s_per_B_ = measure_adding(channel_);
    for (const JobNetwork& n : job_.networks) part.networks.push_back(measure(n));
    limit(0.0);
    return part;
  }

 private:
  [[nodiscard]] bool first() const { return channel_.rank() == 0; }

  void limit(double rate_bit_s) {
    if (!job_.devices.empty()) limit_rate(job_.devices[channel_.rank()], rate_bit_s, job_.burst_B);
    channel_.meet();
  }

  /// Rank 0 works through the rows alone, in so many parts.
  [[nodiscard]] std::vector<float> one_process(std::uint64_t rows, std::uint64_t parts) const {
    const auto& shapes = network_.shapes();
    const std::vector<float> input = random_rows(rows, job_.columns, job_.seed);
    std::vector<float> result;
    for (std::uint64_t i = 0; i < std::min(parts, rows); ++i) {
      const Range part = part_of(rows, std::min(parts, rows), i);
      std::vector<float> x(input.begin() + static_cast<std::ptrdiff_t>(part.begin * job_.columns),
                           input.begin() + static_cast<std::ptrdiff_t>(part.end * job_.columns));
      for (std::uint32_t l = 0; l < shapes.size(); ++l) {
        std::vector<float> y(part.size() * shapes[l].outputs);
        network_.layer(l, {0, shapes[l].inputs}, {0, shapes[l].outputs}, part.size(), x.data(), y.data());
        x = std::move(y);
      }
      result.insert(result.end(), x.begin(), x.end());
    }
    return result;
  }

  /// How many parts a layout works through the rows in: a matrix product of other rows may round otherwise.
  [[nodiscard]] std::uint64_t parts_of(Layout layout) const {
    if (layout == Layout::Data || layout == Layout::Shards) return static_cast<std::uint64_t>(channel_.ranks());
    return layout == Layout::Pipeline || layout == Layout::PipelineOverlap ? job_.micro_batches : 1;
  }

  /// Every layout once, which also warms it up; its result beside that of one process.
  void check_results() {
    for (LayoutRun& run : runs_) {
      run.run();
      const std::vector<float> result = run.output();
      Equality& e = equality_.emplace_back();
      if (!first()) continue;
      e.bits = result == one_process(run.rows(), parts_of(run.layout()));
      const std::vector<float> whole = one_process(run.rows(), 1);
      float largest = 0.0F;
      for (const float v : whole) largest = std::max(largest, std::abs(v));
      for (std::size_t i = 0; i < result.size(); ++i) {
        const double d = std::abs(static_cast<double>(result[i]) - static_cast<double>(whole[i])) / largest;
        e.largest_difference = d <= e.largest_difference ? e.largest_difference : d;  // a NaN stays
      }
    }
  }

  /// Each layer at least so many times.
  void time_layers(int fewest_passes) {
    std::map<LayerKey, std::vector<double>> seconds;
    // The layouts of a batch in turn, as they will run: each finds the caches as another one left them.
    for (auto begin = runs_.begin(); begin != runs_.end();) {
      const auto end = end_of_batch(begin);
      const auto pass = [&] {
        for (auto run = begin; run != end; ++run) run->time_layers(seconds);
      };
      const double before = now_s();
      pass();
      const int passes =
          from_rank_0(std::clamp(static_cast<int>(layer_budget_s / (now_s() - before)), fewest_passes, most_passes));
      for (int i = 1; i < passes; ++i) pass();
      begin = end;
    }
    std::vector<TimedLayer> mine;
    for (auto& [key, values] : seconds) mine.push_back({key, median(values)});
    if (!first()) {
      const std::uint64_t count = mine.size();
      check_mpi(MPI_Send(&count, 1, MPI_UINT64_T, 0, 300, MPI_COMM_WORLD), "send");
      check_mpi(MPI_Send(mine.data(), static_cast<int>(count * sizeof(TimedLayer)), MPI_BYTE, 0, 301, MPI_COMM_WORLD),
                "send");
    }
    std::map<LayerKey, std::vector<double>> by_rank;
    for (const TimedLayer& t : mine) by_rank[t.key].push_back(t.seconds);
    for (int r = 1; first() && r < channel_.ranks(); ++r) {
      std::uint64_t count = 0;
      check_mpi(MPI_Recv(&count, 1, MPI_UINT64_T, r, 300, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "receive");
      std::vector<TimedLayer> theirs(count);
      check_mpi(MPI_Recv(theirs.data(), static_cast<int>(count * sizeof(TimedLayer)), MPI_BYTE, r, 301, MPI_COMM_WORLD,
                         MPI_STATUS_IGNORE),
                "receive");
      for (const TimedLayer& t : theirs) by_rank[t.key].push_back(t.seconds);
    }
    // Ranks that do the same wait for the slowest.
    for (const auto& [key, values] : by_rank) compute_.add(key, *std::max_element(values.begin(), values.end()));
  }

  [[nodiscard]] std::uint64_t largest_message() const {
    std::uint64_t largest = 1;
    for (const LayoutRun& run : runs_)
      for (const Program& p : run.programs())
        for (const Step& s : p) largest = std::max(largest, message_bytes(s, network_.shapes()));
    return largest;
  }

  LayoutNetwork measure(const JobNetwork& wanted) {
    LayoutNetwork n;
    n.name = wanted.name;
    n.transport = job_.transport;
    if (wanted.rate_bit_s > 0.0) n.rate_bit_s = wanted.rate_bit_s;
    n.latency_s = wanted.latency_s;
    limit(wanted.rate_bit_s);
    channel_.set_latency(0.0, {});
    LinkModel link = measured_link(wanted, n);
    if (wanted.latency_s > 0.0) {
      channel_.set_latency(wanted.latency_s, link);
      link = measured_link(wanted, n);
    }
    link.wait_cpu_share = job_.spin ? 1.0 : measure_wait_share(channel_);
    link.add_s_per_B = add_s_per_B_;
    // Short layers feel what the transport does between runs; and the machine may be faster or slower than before.
    time_layers(1);
    n.wait_cpu_share = link.wait_cpu_share;
    if (link.alone_limit_B != UINT64_MAX) n.alone_limit_B = link.alone_limit_B;
    std::size_t i = 0;
    for (LayoutRun& run : runs_) n.cases.push_back(predicted(run, link, equality_[i++]));
    run_in_turn(n);
    channel_.set_latency(0.0, {});
    return n;
  }

  /// Rank 0 measures and tells the others the line of each segment, which their added latency needs.
  LinkModel measured_link(const JobNetwork& wanted, LayoutNetwork& n) {
    const bool limited = wanted.rate_bit_s > 0.0;
    const double refill_s = limited ? 8.0 * static_cast<double>(job_.burst_B) / wanted.rate_bit_s : 0.0;
    const std::vector<LinkSample> samples = measure_link(channel_, largest_message(), job_.eager_limit_B, link_budget_s,
                                                         refill_s, weight_bytes(network_.shapes()));
    LinkModel link = LinkModel::assumed(0.0, 0.0, 0.0);
    if (!samples.empty()) {
      link = LinkModel::fitted(samples, job_.eager_limit_B, limited ? job_.burst_B : 0);
      n.samples.clear();
      n.one_way.clear();
      n.exchange.clear();
      n.worst_fit_deviation = 0.0;
      for (const LinkSample& s : samples) {
        n.samples.push_back({s.bytes, s.one_way_s, s.exchange_s, s.send_s, s.late_receive_s});
        n.worst_fit_deviation =
            std::max(n.worst_fit_deviation, std::abs(seconds_of(link.one_way, s.bytes) / s.one_way_s - 1.0));
      }
      for (const LinkSegment& s : link.one_way) n.one_way.push_back({s.up_to_B, s.alpha_s, s.beta_s_per_B});
      for (const LinkSegment& s : link.exchange) n.exchange.push_back({s.up_to_B, s.alpha_s, s.beta_s_per_B});
    }
    const int segments = from_rank_0(static_cast<int>(link.one_way.size()));
    link.one_way.resize(segments);
    check_mpi(
        MPI_Bcast(link.one_way.data(), segments * static_cast<int>(sizeof(LinkSegment)), MPI_BYTE, 0, MPI_COMM_WORLD),
        "broadcast");
    return link;
  }

  struct Equality {
    bool bits = false;
    double largest_difference = 0.0;
  };

  [[nodiscard]] LayoutCase predicted(const LayoutRun& run, const LinkModel& link, const Equality& equality) const {
    LayoutCase c;
    c.layout = name(run.layout());
    c.model_parallel = is_model_parallel(run.layout());
    c.batch = run.rows();
    c.bit_equal = equality.bits;
    c.largest_difference = equality.largest_difference;
    if (!first()) return c;
    const Prediction p = predict(run.programs(), network_.shapes(), company_of(run.layout()), compute_, link);
    c.predicted_time_s = p.time_s;
    c.predicted_cpu_s = p.cpu_s();
    for (const RankPrediction& r : p.ranks)
      c.ranks.push_back({r.compute_s, r.busy_s, r.cpu_s, r.finish_s, r.memory.weights_B, r.memory.activations_B});
    return c;
  }

  using Runs = std::list<LayoutRun>;
  Runs::iterator end_of_batch(Runs::iterator begin) {
    return std::find_if(begin, runs_.end(), [&](const LayoutRun& r) { return r.rows() != begin->rows(); });
  }

  /// All layouts after each other, several times, so that a slow change of the machine meets them all.
  void run_in_turn(LayoutNetwork& n) {
    for (LayoutRun& run : runs_) run.run();
    std::size_t at = 0;
    for (auto begin = runs_.begin(); begin != runs_.end();) {
      const auto end = end_of_batch(begin);
      const auto count = static_cast<std::size_t>(std::distance(begin, end));
      double slowest = 1e-6;
      for (std::size_t i = 0; i < count; ++i) slowest = std::max(slowest, n.cases[at + i].predicted_time_s);
      const int repeats = from_rank_0(
          std::clamp(static_cast<int>(quick_s / slowest), job_.repeats, std::max(job_.repeats, most_repeats)));
      for (int repeat = 0; repeat < repeats; ++repeat)
        for (std::size_t k = 0; k < count; ++k) {
          const std::size_t i = (k + static_cast<std::size_t>(repeat)) % count;
          n.cases[at + i].trials.push_back(trial(*std::next(begin, static_cast<std::ptrdiff_t>(i))));
        }
      at += count;
      begin = end;
    }
  }

  LayoutTrial trial(LayoutRun& run) {
    const LayoutRun::Cost cost = run.run();
    LayoutTrial t;
    t.time_s = cost.time_s;
    t.cpu_s.resize(channel_.ranks());
    check_mpi(MPI_Gather(&cost.cpu_s, 1, MPI_DOUBLE, t.cpu_s.data(), 1, MPI_DOUBLE, 0, MPI_COMM_WORLD), "gather");
    return t;
  }

  const LayoutsJob& job_;
  Channel channel_;
  DenseNetwork network_;
  Runs runs_;
  std::vector<Equality> equality_;
  ComputeModel compute_;
  double add_s_per_B_ = 0.0;
};

}  // namespace

LayoutPart run_layouts(const LayoutsJob& job) { return Worker(job).run(); }

}  // namespace haywatt::distributed
