/// Messages between ranks, as layouts use them: MPI underneath, with a choice of how to wait and an added latency.
#pragma once
#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "haywatt/distributed/cost_model.hpp"

namespace haywatt::distributed {

enum class Waiting {
  Spin,   ///< asks MPI without pause: least latency, a whole CPU
  Sleep,  ///< sleeps about 0.1 ms between two questions
};

/// CLOCK_MONOTONIC in seconds: one clock for all ranks of one machine.
[[nodiscard]] double now_s();
/// CPU time of this process.
[[nodiscard]] double cpu_now_s();

/// One transfer under way. Its buffer must stay until wait().
struct Transfer {
  MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::int64_t sent_ns = 0;  ///< with an added latency: when it was sent, in a small message before it
  std::size_t bytes = 0;
  int source = -1;  ///< -1: a send
};

/// Belongs to one thread. Fails by throwing Error(System) with MPI's own words.
///
/// The added latency delays the delivery of each message by a fixed time after its arrival. Where the message had come
/// before the receiver began to wait, as reckoned from the time it was sent and the speed of the link, arrival is that
/// moment; else it is when the receiver saw it. It does not delay what MPI itself sends to and fro for messages
/// beyond the eager limit, which on a real network of that latency would wait as well.
class Channel {
 public:
  Channel(MPI_Comm comm, Waiting waiting);
  /// 0 takes the latency off. `undelayed` is the link as it was measured without.
  void set_latency(double latency_s, const LinkModel& undelayed);
  [[nodiscard]] double latency_s() const { return latency_s_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }

  /// Starts it; `transfer` must stay where it is until wait().
  void send(int to, int tag, const void* data, std::size_t bytes, Transfer& transfer);
  void receive(int from, int tag, void* data, std::size_t bytes, Transfer& transfer);
  void wait(Transfer& transfer);
  /// Whether it is complete, without the added latency.
  [[nodiscard]] bool done(Transfer& transfer);

  /// All ranks reach this point; waits without using a CPU, and is not delayed.
  void meet();
  /// A time some milliseconds from now on which all ranks agree.
  [[nodiscard]] double agree_on_start();

 private:
  void spin_in_mpi(double until_s);
  MPI_Comm comm_;
  Waiting waiting_;
  int rank_ = 0, ranks_ = 1;
  double latency_s_ = 0.0;
  LinkModel undelayed_;
  std::map<int, double> link_free_s_;  // by source: when its earlier messages were through
};

/// Throws Error(System) unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* what);
/// Spins until `time_s`.
void spin_until(double time_s);

}  // namespace haywatt::distributed
