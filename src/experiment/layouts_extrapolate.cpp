#include "experiment/layouts_extrapolate.hpp"

#include <fmt/format.h>

#include <set>

#include "haywatt/distributed/cost_model.hpp"

namespace haywatt::experiment {
namespace {

using namespace distributed;

struct AssumedNetwork {
  const char* name;
  double alpha_s, bit_s, overhead_s;
};
// Typical of what is sold, not measured here: an InfiniBand-class network, a data centre's TCP, an office's TCP.
constexpr AssumedNetwork networks[] = {{"100 Gbit/s, 2 us", 2e-6, 100e9, 0.5e-6},
                                       {"25 Gbit/s, 20 us", 20e-6, 25e9, 5e-6},
                                       {"1 Gbit/s, 50 us", 50e-6, 1e9, 10e-6}};
constexpr int rank_counts[] = {2, 4, 8};
constexpr std::uint64_t micro_batch_counts[] = {1, 2, 4, 8, 16, 32};
constexpr double least_gain = 1.05;  // the model's own error is larger than what lies below
constexpr double adding_s_per_B = 1e-10;

struct Best {
  std::string layout;
  double value = 0.0;
  void offer(const std::string& name, double v) {
    if (layout.empty() || v < value) {
      layout = name;
      value = v;
    }
  }
};

void add_width(LayoutPays& pays, const LayoutPart& part, const std::vector<LayerShape>& layers, int ranks,
               const LinkModel& link) {
  ComputeModel compute;
  compute.set_curve({part.curve.layer_s, part.curve.s_per_FLOP, part.curve.s_per_weight_B, part.curve.worst_deviation,
                     part.curve.median_deviation});
  Best parallel_time, parallel_cpu, other_time, other_cpu;
  const auto offer = [&](Layout layout, std::uint64_t micro_batches, const std::string& text) {
    const Prediction p = predict(schedule(layout, layers, ranks, pays.batch, micro_batches), layers,
                                 company_of(layout, pays.batch, micro_batches), compute, link);
    (is_model_parallel(layout) ? parallel_time : other_time).offer(text, p.time_s);
    (is_model_parallel(layout) ? parallel_cpu : other_cpu).offer(text, p.cpu_s());
  };
  offer(Layout::Single, 1, "single");
  offer(Layout::Data, 1, "data");
  offer(Layout::Tensor, 1, "tensor");
  for (const std::uint64_t m : micro_batch_counts)
    if (m <= pays.batch) offer(Layout::PipelineOverlap, m, fmt::format("pipeline-overlap, {} micro-batches", m));
  const auto note = [&](LayoutPaysIn& in, const Best& parallel, const Best& other) {
    const double gain = other.value / parallel.value;
    if (gain >= least_gain) in.widths.push_back(part.widen);
    if (!in.layout.empty() && gain <= in.gain) return;
    in.layout = parallel.layout;
    in.width = part.widen;
    in.gain = gain;
  };
  note(pays.time, parallel_time, other_time);
  note(pays.energy, parallel_cpu, other_cpu);
}

}  // namespace

void extrapolate(LayoutsRecord& record) {
  std::set<std::uint64_t> batches;
  for (const LayoutPart& part : record.parts)
    for (const LayoutNetwork& n : part.networks)
      for (const LayoutCase& c : n.cases) batches.insert(c.batch);
  for (const AssumedNetwork& network : networks)
    for (const int ranks : rank_counts)
      for (const std::uint64_t batch : batches) {
        LayoutPays pays;
        pays.network = network.name;
        pays.extrapolated = true;
        pays.ranks = ranks;
        pays.batch = batch;
        pays.assumption = fmt::format(
            "every rank a core like this one with its own memory; layers by the curve of their width; messages {:.3g} "
            "us "
            "+ bytes / {:.4g} GB/s, {:.2g} us of CPU each; ranks spin",
            1e6 * network.alpha_s, network.bit_s / 8e9, 1e6 * network.overhead_s);
        LinkModel link = LinkModel::assumed(network.alpha_s, 8.0 / network.bit_s, network.overhead_s);
        link.add_s_per_B = adding_s_per_B;
        for (const LayoutPart& part : record.parts)
          add_width(pays, part, wide_autoencoder(record.columns, record.latent, part.widen), ranks, link);
        record.pays.push_back(std::move(pays));
      }
}

}  // namespace haywatt::experiment
