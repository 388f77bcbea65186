/// Hooks into libtorch's operators: while they are set, every operator that the plug-in's training, compressing and
/// decompressing runs (aten::addmm, its gradient, the plug-in's own loops as haywatt::…) is announced to a listener.
/// The only implementation lives in the libtorch plug-in.
#pragma once
#include <cstdint>
#include <string>

#include "haywatt/base/operator.hpp"

namespace haywatt::baler {

/// Announcing costs some microseconds an operator, and a small batch has a hundred of them. So batches are sampled: all
/// operators of a batch drawn at random from each stretch of k batches are announced, each with `weight` k
/// (OperatorName::weight), the others not at all. k is such that announcing takes about `share` of the time.
struct HookSampling {
  double share = 0.005;     ///< of wall time that announcing may take; 1 announces every batch
  std::uint64_t seed = 20;  ///< of the draw
};

/// Since start(). Read it after the work is done.
struct HookCost {
  std::uint64_t operators = 0;     ///< announced
  std::uint64_t batches = 0;       ///< of the loops over batches
  std::uint64_t batches_seen = 0;  ///< of which all operators were announced
  double spent_s = 0.0;            ///< wall time of announcing on all threads, the listener's included
};

class OperatorHooks {
 public:
  virtual ~OperatorHooks() = default;
  /// From now on work that begins is announced to `listener`, which must outlive stop(). Costs of each operator are
  /// counted from its shapes (docs/counting.md), allocated_B from libtorch's allocators. In the gradients' names
  /// stands " (backward)"; they have the layer of the operator they belong to. Call it while no work is running.
  virtual void start(OperatorListener& listener, const HookSampling& sampling) const = 0;
  /// Nothing is announced any more. Call it while no work is running.
  virtual HookCost stop() const = 0;
};

/// Loads the plug-in once per process; nullptr if it is not there, with the reason in `why` (load_trainer's rules).
[[nodiscard]] const OperatorHooks* load_operator_hooks(std::string& why);

/// Starts the hooks for the process's operator listener, unless there is none or they run for it already. The loaders
/// of the plug-in call it, so that whoever listens before libtorch is loaded hears of it.
void start_operator_hooks();
/// Stops what start_operator_hooks() started; all 0 if nothing runs.
HookCost stop_operator_hooks();

/// Type of the plug-in's symbol `haywatt_operator_hooks_v1`; the object lives as long as the process.
using OperatorHooksEntry = const OperatorHooks* (*)();

}  // namespace haywatt::baler
