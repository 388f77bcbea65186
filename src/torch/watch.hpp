/// What the plug-in's loops tell of themselves while operators are watched (haywatt/codec/baler/operator_hooks.hpp).
/// Nothing here costs more than a look at a flag while they are not.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "haywatt/base/operator.hpp"
#include "haywatt/codec/baler/model.hpp"
#include "haywatt/trace/batch_sampler.hpp"
#include "torch/batches.hpp"

namespace haywatt::torch_plugin {

/// A layer as operators are booked to it.
struct WatchedLayer {
  std::string name;  ///< "encoder.0"
  std::int64_t inputs = 0, outputs = 0;
  [[nodiscard]] double parameters() const { return static_cast<double>((inputs + 1) * outputs); }
};

/// "encoder.0", …
[[nodiscard]] std::vector<WatchedLayer> watched_layers(const std::vector<baler::Linear>& half, const std::string& name);

/// For its lifetime libtorch's operators on this thread are announced, unless a BatchWatch says otherwise.
class ThreadWatch {
 public:
  /// On a GPU every announced operator is awaited, so that its time is its own.
  explicit ThreadWatch(const at::Device& device = at::kCPU);
  ~ThreadWatch();
  ThreadWatch(const ThreadWatch&) = delete;
  ThreadWatch& operator=(const ThreadWatch&) = delete;

 private:
  std::uint64_t callback_ = 0;
};

/// The batches of one kind; nothing to do unless operators are watched when it is made. What was learned of a kind is
/// kept for the next loop of the same name.
class BatchKind {
 public:
  explicit BatchKind(const std::string& name);
  [[nodiscard]] trace::BatchSampler* sampler() const { return sampler_.get(); }

 private:
  std::shared_ptr<trace::BatchSampler> sampler_;
};

/// Those of a loop over Batches: the last may be smaller.
struct BatchKinds {
  explicit BatchKinds(const std::string& name) : full(name + ", full"), last(name + ", last") {}
  BatchKind full, last;
};

/// One batch: announced with its weight, or not at all.
class BatchWatch {
 public:
  /// Batch i of the loop; `epochs`: how often the loop will run, this time included.
  BatchWatch(const BatchKinds& kinds, std::int64_t i, const Batches& batches, std::int64_t epochs);
  ~BatchWatch();
  BatchWatch(const BatchWatch&) = delete;
  BatchWatch& operator=(const BatchWatch&) = delete;

 private:
  trace::BatchSampler* sampler_;
  double weight_before_ = 1.0;
  bool enabled_before_ = true, seen_ = false;
  std::int64_t start_ns_ = 0, announcing_before_ns_ = 0;
};

/// The weight with which this thread announces; 0: it does not. For threads that help with another's batch.
[[nodiscard]] double watch_weight();
class WeightWatch {
 public:
  explicit WeightWatch(double weight);
  ~WeightWatch();
  WeightWatch(const WeightWatch&) = delete;
  WeightWatch& operator=(const WeightWatch&) = delete;

 private:
  double weight_before_;
  bool enabled_before_;
};

/// Operators on this thread, and the gradients that autograd derives from them, belong to the layer. It must outlive
/// all of that.
class LayerWatch {
 public:
  explicit LayerWatch(const WatchedLayer& layer);
  ~LayerWatch();
  LayerWatch(const LayerWatch&) = delete;
  LayerWatch& operator=(const LayerWatch&) = delete;

 private:
  const WatchedLayer* before_;
};

/// For a network whose layers run inside of one call: each product begins the next layer.
class LayersWatch {
 public:
  explicit LayersWatch(const std::vector<WatchedLayer>& layers);
  ~LayersWatch();
  LayersWatch(const LayersWatch&) = delete;
  LayersWatch& operator=(const LayersWatch&) = delete;
};

/// Operators on this thread compute gradients, written out by hand.
class BackwardWatch {
 public:
  BackwardWatch();
  ~BackwardWatch();
  BackwardWatch(const BackwardWatch&) = delete;
  BackwardWatch& operator=(const BackwardWatch&) = delete;
};

/// A loop of our own, announced as an operator in the current layer.
class LoopWatch {
 public:
  LoopWatch(const char* name, const char* dtype, const OperatorCost& cost);
  ~LoopWatch();
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;

 private:
  bool announced_;
};

}  // namespace haywatt::torch_plugin
