/// The record of an experiment with layouts: the same network run by one process, with its rows split and with its
/// layers split over ranks, predicted before it ran and measured. JSON: schema "haywatt-layouts/1", docs/layouts.md.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/figure.hpp"
#include "haywatt/record/machine.hpp"

namespace haywatt {

/// t = alpha + beta s for messages up to a size.
struct LayoutLinkLine {
  std::uint64_t up_to_B = UINT64_MAX;
  double alpha_s = 0.0, beta_s_per_B = 0.0;
};

/// A measured size of a message, medians.
struct LayoutLinkSample {
  std::uint64_t bytes = 0;
  double one_way_s = 0.0, exchange_s = 0.0, send_s = 0.0, late_receive_s = 0.0;
};

/// What was predicted for one rank.
struct LayoutRank {
  double compute_s = 0.0, busy_s = 0.0, cpu_s = 0.0, finish_s = 0.0;
  std::uint64_t weights_B = 0, activations_B = 0;
};

struct LayoutTrial {
  double time_s = 0.0;
  std::vector<double> cpu_s;  ///< by rank
};

/// One layout, batch and network.
struct LayoutCase {
  std::string layout;
  bool model_parallel = false;
  std::uint64_t batch = 0;
  double predicted_time_s = 0.0;
  std::vector<LayoutRank> ranks;
  std::vector<LayoutTrial> trials;
  bool bit_equal = false;           ///< to one process that works through the rows in the same parts
  double largest_difference = 0.0;  ///< from one process with the whole batch, relative to its largest absolute output
  // From here on concluded from the trials.
  Figure time_s, cpu_s;                     ///< medians
  Figure time_over_single, time_over_data;  ///< joint ratios, trial by trial; below 1: faster
  Figure energy_J;                          ///< marginal: CPU seconds times the energy of one
  double predicted_cpu_s = 0.0;             ///< sum over ranks
  double predicted_J = 0.0;
  double time_deviation = 0.0, energy_deviation = 0.0;  ///< predicted / measured - 1
};

struct LayoutNetwork {
  std::string name;       ///< "1Gbit + 50us"
  std::string transport;  ///< "tcp" between two network namespaces, "loopback" (tcp), "memory" (shared)
  std::optional<double> rate_bit_s;
  double latency_s = 0.0;  ///< added
  std::vector<LayoutLinkSample> samples;
  std::vector<LayoutLinkLine> one_way, exchange;
  double wait_cpu_share = 1.0;
  std::optional<std::uint64_t> alone_limit_B;  ///< a blocking send of more waits until the receiver calls MPI
  double worst_fit_deviation = 0.0;            ///< of the lines from the one-way samples
  std::vector<LayoutCase> cases;
};

/// Seconds of a layer: t0 + FLOPs * a + bytes of weights * b, fitted to this width's layers.
struct LayoutCurve {
  double layer_s = 0.0, s_per_FLOP = 0.0, s_per_weight_B = 0.0, worst_deviation = 0.0, median_deviation = 0.0;
};

/// One width.
struct LayoutPart {
  std::uint64_t widen = 1, macs_per_row = 0, weights_B = 0;
  std::string mpi;   ///< "Open MPI v4.1.4"
  std::string blas;  ///< "OpenBLAS 0.3.21 …"
  LayoutCurve curve;
  EnergyFigure joules_per_cpu_s;  ///< marginal, of one CPU second of this width's metered run
  std::vector<LayoutNetwork> networks;
};

/// Widths at which the best model-parallel layout surely needs less than one process and than split rows.
struct LayoutPaysIn {
  std::vector<std::uint64_t> widths;
  std::string layout;  ///< the one with the largest gain
  std::uint64_t width = 0;
  double gain = 1.0;  ///< there: what the best other layout needs, divided by what it needs; below 1 it never pays
};

struct LayoutPays {
  std::string network;
  bool extrapolated = false;  ///< reckoned with assumptions, not measured
  int ranks = 2;
  std::uint64_t batch = 0;
  LayoutPaysIn time, energy;
  std::string assumption;
};

struct LayoutsRecord {
  std::string started, finished, haywatt_version, command;
  Machine machine;
  int ranks = 2;
  std::uint64_t columns = 24, latent = 15, micro_batches = 4;
  std::string waiting;  ///< "spin" or "sleep"
  std::vector<LayoutPart> parts;
  std::vector<LayoutPays> pays;
  double worst_time_deviation = 0.0, median_time_deviation = 0.0;  ///< of the absolute values
  double worst_energy_deviation = 0.0, median_energy_deviation = 0.0;
  std::uint64_t cases = 0, within_20_percent = 0, energy_within_20_percent = 0;
  std::vector<std::string> notes;
};

void to_json(nlohmann::json& j, const LayoutPart& p);
void from_json(const nlohmann::json& j, LayoutPart& p);
void to_json(nlohmann::json& j, const LayoutsRecord& r);
void from_json(const nlohmann::json& j, LayoutsRecord& r);

}  // namespace haywatt
