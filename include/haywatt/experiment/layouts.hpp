/// Layouts of Baler's autoencoder over MPI ranks, predicted and measured under networks of several speeds
/// (docs/layouts.md).
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/record/layouts.hpp"

namespace haywatt::experiment {

/// A kind of network: shared memory, TCP as fast as it goes, or TCP through a token bucket.
struct LayoutBandwidth {
  std::string name;         ///< "memory", "none", "1Gbit"
  double rate_bit_s = 0.0;  ///< 0: not limited
  [[nodiscard]] bool shared_memory() const { return name == "memory"; }
};
/// "memory", "none", or a rate such as 1Gbit, 250Mbit; Error(Usage).
[[nodiscard]] LayoutBandwidth parse_bandwidth(const std::string& text);

struct LayoutsOptions {
  std::vector<std::uint64_t> widths = {1, 4, 16, 64}, batches = {1, 32, 128};
  std::vector<LayoutBandwidth> bandwidths;
  std::vector<double> latencies_s;
  std::vector<std::string> layouts;  ///< empty: all
  int ranks = 2, repeats = 5;
  std::uint64_t micro_batches = 4, columns = 24, latent = 15, seed = 1;
  bool spin = true;
  std::string command;  ///< for the record
  /// Whose widths are kept beside the new ones; made on this machine with the same network, ranks and way to wait, or
  /// Error(Usage).
  std::optional<LayoutsRecord> before;
};

struct LayoutsWorld {
  Machine machine;
  std::string haywatt_version;
  std::function<void(double share, std::string_view item)> progress;
};

/// Error(Usage) for absurd options, Error(Unavailable) without mpirun or haywatt-mpi or when no network asked for is
/// possible here; networks that are not possible are left out and named in the notes. Error(System) with one line when
/// a rank fails or is killed. Call it from a process with one thread (it meters mpirun).
[[nodiscard]] LayoutsRecord run_layouts(const LayoutsOptions& options, const LayoutsWorld& world);

/// Fills what follows from trials and predictions: figures, deviations, where model-parallel pays, measured and
/// extrapolated. Pure.
void conclude(LayoutsRecord& record);

}  // namespace haywatt::experiment
