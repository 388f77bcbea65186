#include "torch/watch.hpp"

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/version.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>

#include "haywatt/codec/baler/operator_hooks.hpp"
#include "haywatt/trace/operator_cost.hpp"
#include "torch/device.hpp"

namespace haywatt::torch_plugin {
namespace {

using trace::TensorShape;

/// What start() set; read by all threads.
struct Watch {
  std::atomic<OperatorListener*> listener{nullptr};
  baler::HookSampling sampling;
  std::atomic<std::uint64_t> operators{0}, batches{0}, batches_seen{0};
  std::atomic<std::int64_t> announcing_ns{0};
  std::mutex kinds_lock;
  std::map<std::string, std::shared_ptr<trace::BatchSampler>> kinds;
};

Watch& watch() {
  static Watch one;
  return one;
}

OperatorListener* listener() { return watch().listener.load(std::memory_order_acquire); }

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// What boxing an operator's inputs for us takes before our callback begins, about.
constexpr std::int64_t boxing_ns = 300;

/// Of forward operators: which layer they belong to, by the sequence number that their gradient will have. The ring is
/// larger than any graph of ours.
struct Sequence {
  std::int64_t number = -1;
  const WatchedLayer* layer = nullptr;
};

struct ThreadState {
  double weight = 1.0;
  const WatchedLayer* layer = nullptr;
  const std::vector<WatchedLayer>* row = nullptr;  ///< layers inside of one call
  std::size_t next = 0;                            ///< of the row
  const WatchedLayer* backward_layer = nullptr;
  int backward_depth = 0;
  bool by_hand = false;  ///< gradients outside of autograd
  at::Device device = at::kCPU;
  std::int64_t announcing_ns = 0;
  std::uint64_t operators = 0;
  struct Open {
    OperatorCost cost;
    bool told = true;
  };
  std::vector<Open> open;
  std::array<Sequence, 1024> sequences;
};

ThreadState& state() {
  thread_local ThreadState mine;
  return mine;
}

const char* dtype_name(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Double:
      return "f64";
    case c10::ScalarType::Float:
      return "f32";
    case c10::ScalarType::BFloat16:
      return "bf16";
    case c10::ScalarType::Half:
      return "f16";
    case c10::ScalarType::QInt8:
    case c10::ScalarType::QUInt8:
    case c10::ScalarType::Char:
      return "int8";
    case c10::ScalarType::Int:
      return "int32";
    case c10::ScalarType::Long:
      return "int64";
    default:
      return "";
  }
}

/// Shapes of the tensors among an operator's inputs.
class Shapes {
 public:
  void add(const at::Tensor& t) {
    if (!t.defined() || count_ == shapes_.size()) return;
    TensorShape& s = shapes_[count_++];
    s = {};
    s.item_B = static_cast<std::uint8_t>(t.element_size());
    const at::IntArrayRef sizes = t.sizes();
    s.dimensions = static_cast<std::uint8_t>(std::min(sizes.size(), s.sizes.size()));
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (i < s.sizes.size())
        s.sizes[i] = sizes[i];
      else
        s.sizes.back() *= sizes[i];
    }
    if (dtype_.empty()) dtype_ = dtype_name(t.scalar_type());
  }
  void add(const c10::IValue& value) {
    if (value.isTensor()) {
      add(value.toTensor());
    } else if (value.isTensorList()) {
      for (const at::Tensor& t : value.toTensorList()) add(t);
    }
  }
  [[nodiscard]] std::span<const TensorShape> all() const { return {shapes_.data(), count_}; }
  [[nodiscard]] std::string_view dtype() const { return dtype_; }

 private:
  std::array<TensorShape, 64> shapes_;
  std::size_t count_ = 0;
  std::string_view dtype_;
};

bool begins_layer(std::string_view name) {
  return trace::is_product(name) || name == "aten::linear" || name == "aten::matmul" || name == "aten::mkldnn_linear" ||
         name == "quantized::linear_dynamic";
}

/// The layer that an operator belongs to.
const WatchedLayer* find_layer(ThreadState& s, const at::RecordFunction& f, std::string_view name) {
  const std::int64_t number = f.seqNr();
  if (f.scope() == at::RecordScope::BACKWARD_FUNCTION || s.backward_depth > 0) {
    if (f.scope() == at::RecordScope::BACKWARD_FUNCTION && number >= 0) {
      const Sequence& known = s.sequences[static_cast<std::size_t>(number) % s.sequences.size()];
      // Accumulating a gradient has no number of its own; it follows the function that made it.
      if (known.number == number) s.backward_layer = known.layer;
    }
    return s.backward_layer;
  }
  if (s.row != nullptr && s.open.empty() && begins_layer(name) && s.next < s.row->size()) s.layer = &(*s.row)[s.next++];
  if (number >= 0) s.sequences[static_cast<std::size_t>(number) % s.sequences.size()] = {number, s.layer};
  return s.layer;
}

/// linear_dynamic's weights are an object whose shapes cannot be seen: the layer knows them.
OperatorCost int8_layer(std::span<const TensorShape> inputs, const WatchedLayer& layer) {
  if (inputs.empty()) return {};
  const double rows = inputs[0].values() / static_cast<double>(layer.inputs);
  const double results = rows * static_cast<double>(layer.outputs);
  OperatorCost cost;
  cost.macs = rows * static_cast<double>(layer.inputs * layer.outputs);
  cost.flops = 2.0 * cost.macs + results;
  cost.read_B = inputs[0].bytes() + static_cast<double>(layer.inputs * layer.outputs + 4 * layer.outputs);
  cost.written_B = 4.0 * results;
  return cost;
}

class Announcing {
 public:
  explicit Announcing(ThreadState& s) : s_(s), start_(now_ns()) {}
  ~Announcing() { s_.announcing_ns += now_ns() - start_; }
  Announcing(const Announcing&) = delete;
  Announcing& operator=(const Announcing&) = delete;

 private:
  ThreadState& s_;
  std::int64_t start_;
};

/// The engine's own frame around each gradient function adds nothing to it.
constexpr std::string_view engine_frame = "autograd::engine::evaluate_function";
constexpr std::string_view backward_mark = " (backward)";

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction& f) {
  ThreadState& s = state();
  const Announcing announcing(s);
  s.announcing_ns += boxing_ns;
  const std::string_view name = f.name();
  OperatorListener* const told = name.starts_with(engine_frame) ? nullptr : listener();
  if (told == nullptr) {
    s.open.push_back({{}, false});
    return nullptr;
  }
  const bool backward = f.scope() == at::RecordScope::BACKWARD_FUNCTION;
  const WatchedLayer* const layer = find_layer(s, f, name);
  if (backward) ++s.backward_depth;
  Shapes shapes;
  if (!backward)
    for (const c10::IValue& value : f.inputs()) shapes.add(value);
  OperatorCost cost = trace::operator_cost(name, shapes.all());
  if (backward) cost = {.macs = 0, .flops = 0, .read_B = 0, .written_B = 0};
  bool int8 = false;
  if (layer != nullptr && name == "quantized::linear_dynamic") {
    cost = int8_layer(shapes.all(), *layer);
    int8 = true;
  }
  cost.parameters = 0.0;
  if (layer != nullptr && cost.macs > 0.0) cost.parameters = layer->parameters();
  s.open.push_back({cost, true});
  ++s.operators;
  char text[160];
  std::string_view shown = name;
  if ((s.backward_depth > 0 || s.by_hand) && !backward && name.size() + backward_mark.size() <= sizeof text) {
    std::memcpy(text, name.data(), name.size());
    std::memcpy(text + name.size(), backward_mark.data(), backward_mark.size());
    shown = {text, name.size() + backward_mark.size()};
  }
  told->on_operator_begin({.name = shown,
                           .layer = layer == nullptr ? std::string_view() : std::string_view(layer->name),
                           .dtype = int8 ? std::string_view("int8") : shapes.dtype(),
                           .weight = s.weight});
  return nullptr;
}

void on_end(const at::RecordFunction& f, at::ObserverContext*) {
  ThreadState& s = state();
  await(s.device);
  const Announcing announcing(s);
  if (f.scope() == at::RecordScope::BACKWARD_FUNCTION) --s.backward_depth;
  if (s.open.empty()) return;
  const ThreadState::Open open = s.open.back();
  s.open.pop_back();
  OperatorListener* const told = listener();
  if (told != nullptr && open.told) told->on_operator_end(open.cost);
}

/// Books what libtorch's allocators give out to the innermost operator.
class MemoryWatch final : public c10::MemoryReportingInfoBase {
 public:
#if TORCH_VERSION_MAJOR < 2
  void reportMemoryUsage(void*, std::int64_t size, std::int64_t, std::int64_t, c10::Device) override { book(size); }
#else
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override { book(size); }
#endif
  /// Always: libtorch warns of every block that is freed while this is so and was made while it was not.
  bool memoryProfilingEnabled() const override { return true; }

 private:
  static void book(std::int64_t size) {
    ThreadState& s = state();
    if (size > 0 && !s.open.empty()) s.open.back().cost.allocated_B += static_cast<double>(size);
  }
};

/// Announces or not, on this thread.
void set_weight(double weight) {
  state().weight = weight;
  at::enableRecordFunction(weight > 0.0);
}

class Hooks final : public baler::OperatorHooks {
 public:
  void start(OperatorListener& to, const baler::HookSampling& sampling) const override {
    Watch& w = watch();
    w.sampling = sampling;
    w.operators = w.batches = w.batches_seen = 0;
    w.kinds.clear();
    w.announcing_ns = 0;
    w.listener.store(&to, std::memory_order_release);
  }
  baler::HookCost stop() const override {
    Watch& w = watch();
    w.listener.store(nullptr, std::memory_order_release);
    return {w.operators, w.batches, w.batches_seen, static_cast<double>(w.announcing_ns) * 1e-9};
  }
};

}  // namespace

std::vector<WatchedLayer> watched_layers(const std::vector<baler::Linear>& half, const std::string& name) {
  std::vector<WatchedLayer> layers;
  for (const baler::Linear& l : half)
    layers.push_back({name + "." + std::to_string(layers.size()), std::int64_t{l.inputs}, std::int64_t{l.outputs}});
  return layers;
}

ThreadWatch::ThreadWatch(const at::Device& device) {
  if (listener() == nullptr) return;
  state() = ThreadState();
  state().device = device;
  callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&on_begin, &on_end)
                                             .needsInputs(true)
                                             .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
  c10::ThreadLocalDebugInfo::_push(c10::DebugInfoKind::PROFILER_STATE, std::make_shared<MemoryWatch>());
}

ThreadWatch::~ThreadWatch() {
  if (callback_ == 0) return;
  c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE);
  at::removeCallback(callback_);
  watch().operators += state().operators;
  watch().announcing_ns += state().announcing_ns;
}

BatchKind::BatchKind(const std::string& name) {
  if (listener() == nullptr) return;
  Watch& w = watch();
  const std::lock_guard lock(w.kinds_lock);
  const std::uint64_t seed = w.sampling.seed + w.kinds.size();
  sampler_ = w.kinds.try_emplace(name, std::make_shared<trace::BatchSampler>(w.sampling.share, seed)).first->second;
  sampler_->begin_loop();
}

BatchWatch::BatchWatch(const BatchKinds& kinds, std::int64_t i, const Batches& batches, std::int64_t epochs)
    : sampler_((batches.is_full(i) ? kinds.full : kinds.last).sampler()) {
  if (sampler_ == nullptr) return;
  const ThreadState& s = state();
  weight_before_ = s.weight;
  enabled_before_ = at::isRecordFunctionEnabled();
  announcing_before_ns_ = s.announcing_ns;
  const std::int64_t full = batches.full_batches();
  const std::int64_t left = batches.is_full(i) ? full * epochs - i : epochs;
  const double weight = sampler_->next(static_cast<std::uint64_t>(left));
  seen_ = weight > 0.0;
  ++watch().batches;
  if (seen_) ++watch().batches_seen;
  set_weight(weight);
  start_ns_ = now_ns();
}

BatchWatch::~BatchWatch() {
  if (sampler_ == nullptr) return;
  const std::int64_t took = now_ns() - start_ns_;
  const std::int64_t announcing = seen_ ? state().announcing_ns - announcing_before_ns_ : 0;
  sampler_->learn(static_cast<double>(took) * 1e-9, static_cast<double>(announcing) * 1e-9);
  state().weight = weight_before_;
  at::enableRecordFunction(enabled_before_);
}

double watch_weight() { return listener() == nullptr ? 0.0 : state().weight; }

WeightWatch::WeightWatch(double weight) : weight_before_(0.0), enabled_before_(true) {
  if (listener() == nullptr) return;
  weight_before_ = state().weight;
  enabled_before_ = at::isRecordFunctionEnabled();
  set_weight(weight);
}

WeightWatch::~WeightWatch() {
  if (listener() == nullptr) return;
  state().weight = weight_before_;
  at::enableRecordFunction(enabled_before_);
}

LayerWatch::LayerWatch(const WatchedLayer& layer) : before_(nullptr) {
  if (listener() == nullptr) return;
  before_ = state().layer;
  state().layer = &layer;
}

LayerWatch::~LayerWatch() {
  if (listener() != nullptr) state().layer = before_;
}

LayersWatch::LayersWatch(const std::vector<WatchedLayer>& layers) {
  if (listener() == nullptr) return;
  state().row = &layers;
  state().next = 0;
}

LayersWatch::~LayersWatch() {
  if (listener() == nullptr) return;
  state().row = nullptr;
  state().layer = nullptr;
}

BackwardWatch::BackwardWatch() {
  if (listener() != nullptr) state().by_hand = true;
}
BackwardWatch::~BackwardWatch() {
  if (listener() != nullptr) state().by_hand = false;
}

LoopWatch::LoopWatch(const char* name, const char* dtype, const OperatorCost& cost) : announced_(watch_weight() > 0.0) {
  if (!announced_) return;
  ThreadState& s = state();
  const Announcing announcing(s);
  s.open.push_back({cost, true});
  ++s.operators;
  listener()->on_operator_begin({.name = name,
                                 .layer = s.layer == nullptr ? std::string_view() : std::string_view(s.layer->name),
                                 .dtype = dtype,
                                 .weight = s.weight});
}

LoopWatch::~LoopWatch() {
  if (!announced_) return;
  ThreadState& s = state();
  const Announcing announcing(s);
  const OperatorCost cost = s.open.back().cost;
  s.open.pop_back();
  if (OperatorListener* const told = listener()) told->on_operator_end(cost);
}

}  // namespace haywatt::torch_plugin

extern "C" __attribute__((visibility("default"))) const haywatt::baler::OperatorHooks* haywatt_operator_hooks_v1() {
  static const haywatt::torch_plugin::Hooks hooks;
  return &hooks;
}
