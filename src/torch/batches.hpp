/// The rows of one part of a table, as batches in order; the last may be smaller.
#pragma once
#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace haywatt::torch_plugin {

/// How a batch is put together.
enum class Collation {
  Slices,  ///< a stretch of rows at once: a view, if they lie in order and have the network's type
  Samples  ///< as a DataLoader: row by row, each a tensor of its own, then stacked
};

class Batches {
 public:
  /// `order` undefined: the rows as they lie. Batches have the type `type`.
  Batches(at::Tensor rows, at::Tensor order, std::int64_t size, at::ScalarType type, Collation collation)
      : rows_(std::move(rows)),
        order_(order.defined() && collation == Collation::Slices ? order.to(rows_.device()) : std::move(order)),
        count_(order_.defined() ? order_.numel() : rows_.size(0)),
        size_(size),
        type_(type),
        collation_(collation) {}

  [[nodiscard]] std::int64_t rows() const { return count_; }
  [[nodiscard]] std::int64_t batches() const { return (count_ + size_ - 1) / size_; }
  [[nodiscard]] std::int64_t full_batches() const { return count_ / size_; }
  [[nodiscard]] bool is_full(std::int64_t i) const { return i < full_batches(); }
  [[nodiscard]] at::Tensor batch(std::int64_t i) const {
    const std::int64_t first = i * size_;
    const std::int64_t last = std::min(first + size_, count_);
    return (collation_ == Collation::Samples ? stack(first, last) : slice(first, last)).to(type_);
  }

 private:
  [[nodiscard]] at::Tensor slice(std::int64_t first, std::int64_t last) const {
    return order_.defined() ? rows_.index_select(0, order_.slice(0, first, last)) : rows_.slice(0, first, last);
  }
  [[nodiscard]] at::Tensor stack(std::int64_t first, std::int64_t last) const {
    std::vector<at::Tensor> samples;
    for (std::int64_t i = first; i < last; ++i)
      samples.push_back(rows_.select(0, order_.defined() ? order_.data_ptr<std::int64_t>()[i] : i));
    return at::stack(samples);
  }

  at::Tensor rows_, order_;
  std::int64_t count_, size_;
  at::ScalarType type_;
  Collation collation_;
};

}  // namespace haywatt::torch_plugin
