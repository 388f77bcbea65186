/// Inference of Baler's networks in a fixed order of operations: the same bits on every machine.
///
/// Every output is b + x0*w0 + x1*w1 + … from left to right, each product and each sum rounded by itself (no fused
/// multiply-add). SIMD lanes run over rows, never over the sum, so that their number does not matter.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "codec/baler/step_times.hpp"
#include "haywatt/codec/baler/instructions.hpp"
#include "haywatt/codec/baler/model.hpp"

namespace haywatt::baler {

/// Values of a cache line's alignment.
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{64}))), size_(size) {
    for (std::size_t i = 0; i < size; ++i) data_[i] = T{0};
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { ::operator delete (data_, std::align_val_t{64}); }
  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Rows that a network works on at once: two cache lines of values. Blocks hold feature after feature, block_rows
/// values each.
template <class T>
inline constexpr std::size_t block_rows = 128 / sizeof(T);

/// One half of a Model, packed for the kernels; all instruction sets give the same bits. T is double, or float for
/// float32 models. Immutable, thread-safe.
template <class T>
class Network {
 public:
  /// A working space for one thread.
  struct Scratch {
    AlignedBuffer<T> a, b;
  };

  explicit Network(const std::vector<Linear>& layers, Instructions set = best_instructions());
  [[nodiscard]] std::uint32_t inputs() const { return layers_.front().inputs; }
  [[nodiscard]] std::uint32_t outputs() const { return layers_.back().outputs; }
  [[nodiscard]] Scratch make_scratch() const;
  /// `x`: inputs() * block_rows<T> values, feature by feature; `y`: the same with outputs(). `times`: null, or
  /// the time of layer i is added to its step `first` + i.
  void run(const T* x, T* y, Scratch& scratch, StepTimes* times = nullptr, std::size_t first = 0) const;
  /// Announces the layers' times as parts of the open operator (codec/baler/step_times.hpp). `name`: "encoder".
  void announce(const std::string& name, std::uint64_t rows, const StepTimes& times, std::size_t first) const;
  [[nodiscard]] std::size_t layers() const { return layers_.size(); }

 private:
  struct Packed {
    std::uint32_t inputs = 0, outputs = 0;
    AlignedBuffer<T> weight;  ///< panels of four outputs: [panel][input][4], the last padded with zeros
    AlignedBuffer<T> bias;    ///< padded likewise
  };
  std::vector<Packed> layers_;
  std::size_t widest_ = 0;
  Instructions set_;
};

extern template class Network<double>;
extern template class Network<float>;

}  // namespace haywatt::baler
