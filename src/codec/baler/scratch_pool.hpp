/// Working spaces of one network, lent to the threads that run it.
#pragma once
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "haywatt/codec/baler/dense_inference.hpp"

namespace haywatt::baler {

/// Thread-safe. Makes no more than as many threads need at once, and keeps them.
class ScratchPool {
 public:
  /// network.run() with a scratch of the pool; always the same network.
  void run(const DenseInference& network, const ConstRows& x, const MutableRows& y) {
    std::optional<DenseInference::Scratch> scratch;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        scratch.emplace(std::move(idle_.back()));
        idle_.pop_back();
      }
    }
    if (!scratch) scratch.emplace(network.make_scratch());
    network.run(x, y, *scratch);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(*scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<DenseInference::Scratch> idle_;
};

}  // namespace haywatt::baler
