/// What the program haywatt-mpi is asked to do under mpirun: one width of the network, on one transport, with all
/// networks, batches and layouts. JSON, between two programs of one build.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "haywatt/distributed/layout.hpp"

namespace haywatt::distributed {

struct JobNetwork {
  std::string name;
  double rate_bit_s = 0.0;  ///< 0: not limited
  double latency_s = 0.0;   ///< added
};

struct LayoutsJob {
  std::uint64_t columns = 24, latent = 15, widen = 1, micro_batches = 4, seed = 1;
  std::vector<std::uint64_t> batches;
  std::vector<Layout> layouts;
  std::vector<JobNetwork> networks;
  std::string transport;             ///< "tcp", "loopback", "memory"
  std::vector<std::string> devices;  ///< by rank, whose way out is limited; empty: nothing is
  std::uint64_t burst_B = 131'072;   ///< of the token bucket
  std::uint64_t eager_limit_B = 65'536;
  int repeats = 5;
  bool spin = true;
};

void to_json(nlohmann::json& j, const LayoutsJob& job);
/// Error(Usage) for what no job can be.
void from_json(const nlohmann::json& j, LayoutsJob& job);

}  // namespace haywatt::distributed
