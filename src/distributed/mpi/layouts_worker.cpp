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

constexpr double link_budget_s = 1.0;
constexpr double link_valid_s = 3.0;  // then it is timed anew for the next batch
constexpr int rounds = 3;             // of timing layers, predicting and running the layouts of a batch
constexpr double layer_budget_s =
    0.15;  // of timing the layers of a batch in a round, beyond the least number of passes
constexpr int most_passes = 20;
constexpr int most_repeats = 60;
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
    for (auto begin = runs_.begin(); begin != runs_.end(); begin = end_of_batch(begin)) time_layers(begin, 3);
    compute_.fit();
    const auto& c = *compute_.curve();
    part.curve = {c.layer_s, c.s_per_FLOP, c.s_per_weight_B, c.worst_deviation, c.median_deviation};
    add_s_per_B_ = measure_adding(channel_);
    for (const JobNetwork& n : job_.networks) part.networks.push_back(measure(n));
    limit(0.0);
    return part;
  }

 private:
  using Runs = std::list<LayoutRun>;

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

  /// Each layer of the batch that begins here at least so many times.
  void time_layers(Runs::iterator begin, int fewest_passes) {
    std::map<LayerKey, std::vector<double>> seconds;
    // The layouts in turn, as they will run: each finds the caches as another one left them.
    const auto pass = [&] {
      for (auto run = begin; run != end_of_batch(begin); ++run) run->time_layers(seconds);
    };
    const double before = now_s();
    pass();
    const int passes =
        from_rank_0(std::clamp(static_cast<int>(layer_budget_s / (now_s() - before)), fewest_passes, most_passes));
    for (int i = 1; i < passes; ++i) pass();
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
    LinkModel link = LinkModel::assumed(0.0, 0.0, 0.0);
    double timed_s = -INFINITY;
    for (auto begin = runs_.begin(); begin != runs_.end(); begin = end_of_batch(begin)) {
      if (from_rank_0(now_s() - timed_s > link_valid_s) != 0) {
        link = timed_link(wanted, n);
        timed_s = now_s();
      }
      for (LayoutCase& c : cases_of_batch(begin, link, n.cases.size())) n.cases.push_back(std::move(c));
    }
    channel_.set_latency(0.0, {});
    return n;
  }

  LinkModel timed_link(const JobNetwork& wanted, LayoutNetwork& n) {
    channel_.set_latency(0.0, {});
    LinkModel link = measured_link(wanted, n);
    if (wanted.latency_s > 0.0) {
      channel_.set_latency(wanted.latency_s, link);
      link = measured_link(wanted, n);
    }
    link.wait_cpu_share = job_.spin ? 1.0 : measure_wait_share(channel_);
    link.add_s_per_B = add_s_per_B_;
    n.wait_cpu_share = link.wait_cpu_share;
    if (link.alone_limit_B != UINT64_MAX) n.alone_limit_B = link.alone_limit_B;
    return link;
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

  [[nodiscard]] LayoutCase described(const LayoutRun& run, const Equality& equality) const {
    LayoutCase c;
    c.layout = name(run.layout());
    c.model_parallel = is_model_parallel(run.layout());
    c.batch = run.rows();
    c.bit_equal = equality.bits;
    c.largest_difference = equality.largest_difference;
    return c;
  }

  [[nodiscard]] Prediction predicted(const LayoutRun& run, const LinkModel& link) const {
    return predict(run.programs(), network_.shapes(), run.company(), compute_, link);
  }

  /// On rank 0 the prediction whose time is the median.
  static void keep_median(std::vector<Prediction> all, LayoutCase& c) {
    std::sort(all.begin(), all.end(), [](const Prediction& a, const Prediction& b) { return a.time_s < b.time_s; });
    const Prediction& p = all[all.size() / 2];
    c.predicted_time_s = p.time_s;
    c.predicted_cpu_s = p.cpu_s();
    for (const RankPrediction& r : p.ranks)
      c.ranks.push_back({r.compute_s, r.busy_s, r.cpu_s, r.finish_s, r.memory.weights_B, r.memory.activations_B});
  }

  Runs::iterator end_of_batch(Runs::iterator begin) {
    return std::find_if(begin, runs_.end(), [&](const LayoutRun& r) { return r.rows() != begin->rows(); });
  }

  /// The layouts of the batch that begins here, `first` cases into the network. In rounds: layers are timed, what they
  /// will cost is predicted, and then they run after each other, several times. So a slow change of the machine meets
  /// all of them, and between the timing of a layer and its use lies a part of a second instead of many.
  std::vector<LayoutCase> cases_of_batch(Runs::iterator begin, const LinkModel& link, std::size_t first_case) {
    const auto count = static_cast<std::size_t>(std::distance(begin, end_of_batch(begin)));
    const auto run_at = [&](std::size_t i) -> LayoutRun& { return *std::next(begin, static_cast<std::ptrdiff_t>(i)); };
    std::vector<LayoutCase> cases;
    for (std::size_t i = 0; i < count; ++i) cases.push_back(described(run_at(i), equality_[first_case + i]));
    std::vector<std::vector<Prediction>> predictions(count);
    int repeat = 0, repeats = 0;
    for (int round = 0; round < rounds; ++round) {
      // Short layers feel what the transport does between runs.
      time_layers(begin, 1);
      double slowest = 1e-6;
      for (std::size_t i = 0; first() && i < count; ++i) {
        predictions[i].push_back(predicted(run_at(i), link));
        slowest = std::max(slowest, predictions[i].back().time_s);
      }
      if (round == 0)
        repeats = from_rank_0(
            std::clamp(static_cast<int>(quick_s / slowest), job_.repeats, std::max(job_.repeats, most_repeats)));
      for (std::size_t i = 0; i < count; ++i) run_at(i).run();
      for (; repeat < repeats * (round + 1) / rounds; ++repeat)
        for (std::size_t k = 0; k < count; ++k) {
          const std::size_t i = (k + static_cast<std::size_t>(repeat)) % count;
          cases[i].trials.push_back(trial(run_at(i)));
        }
    }
    for (std::size_t i = 0; first() && i < count; ++i) keep_median(std::move(predictions[i]), cases[i]);
    return cases;
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
