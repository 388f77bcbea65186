/// A trained dense network whose layers, or slices of them, lie on several ranks.
#pragma once
#include <memory>
#include <vector>

#include "distributed/mpi/channel.hpp"
#include "haywatt/codec/baler/dense_inference.hpp"
#include "haywatt/distributed/layout.hpp"

namespace haywatt::distributed {

/// Rank 0 holds rows and results. It calls run() as often as it likes and release() once; the others serve() meanwhile.
class SplitNetwork {
 public:
  virtual ~SplitNetwork() = default;
  /// Rows without gaps, float or double as the network computes.
  virtual void run(const baler::ConstRows& x, const baler::MutableRows& y) = 0;
  /// Ends serve() on the others.
  void release();
  /// Works for rank 0 until it releases.
  void serve();

 protected:
  explicit SplitNetwork(Channel& channel) : channel_(channel) {}
  /// Tells the others how many rows come.
  void announce(std::uint64_t rows);
  virtual void serve_rows(std::uint64_t rows) = 0;
  Channel& channel_;
};

/// `layout`: Pipeline (or PipelineOverlap, the same here), whose results are the bits of DenseInference over all
/// layers, or Tensor, whose sums have another order. `arithmetic`: Float64 or Float32, which is also what travels.
/// `micro_batch`: rows that go from rank to rank together. Every rank calls it with the same arguments; `channel` must
/// outlive it.
[[nodiscard]] std::unique_ptr<SplitNetwork> make_split_network(const std::vector<baler::DenseLayer>& layers,
                                                               baler::Arithmetic arithmetic, Layout layout,
                                                               std::uint64_t micro_batch, Channel& channel);

}  // namespace haywatt::distributed
