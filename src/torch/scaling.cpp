#include "torch/scaling.hpp"

#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

#include "torch/watch.hpp"

namespace haywatt::torch_plugin {
namespace {

/// Of so many rows taken one by one the operators of one are announced, and stand for all.
constexpr std::int64_t watched_rows = 16;

/// A number as Python and numpy hold one: an object on the heap whose type is found out at each operation.
class Box {
 public:
  virtual ~Box() = default;
  [[nodiscard]] virtual std::unique_ptr<Box> minus(const Box& other) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Box> over(const Box& other) const = 0;
  [[nodiscard]] virtual double value() const = 0;
};

template <class T>
class BoxOf final : public Box {
 public:
  explicit BoxOf(T value) : value_(value) {}
  [[nodiscard]] std::unique_ptr<Box> minus(const Box& other) const override {
    return std::make_unique<BoxOf>(value_ - static_cast<T>(other.value()));
  }
  [[nodiscard]] std::unique_ptr<Box> over(const Box& other) const override {
    return std::make_unique<BoxOf>(value_ / static_cast<T>(other.value()));
  }
  [[nodiscard]] double value() const override { return value_; }

 private:
  T value_;
};

at::Tensor divisors(const at::Tensor& ranges) {
  const at::Tensor range = ranges.select(0, 1);
  return at::where(range == 0, at::ones_like(range), range);
}

template <class T>
at::Tensor normalise_values(const at::Tensor& table, const at::Tensor& ranges) {
  const at::Tensor divisor = divisors(ranges);
  std::vector<at::Tensor> columns;
  for (std::int64_t c = 0; c < table.size(1); ++c) {
    const at::Tensor column = table.select(1, c).contiguous();
    const T* values = column.data_ptr<T>();
    const BoxOf<T> low(ranges.data_ptr<T>()[c]);
    const BoxOf<T> range(divisor.data_ptr<T>()[c]);
    std::vector<std::unique_ptr<Box>> list;
    for (std::int64_t r = 0; r < column.numel(); ++r) list.push_back(BoxOf<T>(values[r]).minus(low)->over(range));
    const at::Tensor result = at::empty_like(column);
    for (std::size_t r = 0; r < list.size(); ++r) result.data_ptr<T>()[r] = static_cast<T>(list[r]->value());
    columns.push_back(result);
  }
  return at::stack(columns, 1);
}

}  // namespace

at::Tensor find_ranges(const at::Tensor& table, bool by_rows) {
  if (!by_rows) {
    const at::Tensor low = table.amin(0);
    return at::stack({low, table.amax(0) - low});
  }
  std::vector<at::Tensor> rows;
  for (std::int64_t r = 0; r < table.size(0); ++r) {
    const double stands_for =
        r % watched_rows == 0 ? static_cast<double>(std::min(watched_rows, table.size(0) - r)) : 0.0;
    const WeightWatch watch(watch_weight() * stands_for);
    rows.push_back(table.select(0, r));
  }
  const at::Tensor stacked = at::stack(rows);
  std::vector<at::Tensor> lows, ranges;
  for (std::int64_t c = 0; c < table.size(1); ++c) {
    const at::Tensor column = stacked.select(1, c);
    lows.push_back(column.min());
    ranges.push_back(column.max() - lows.back());
  }
  return at::stack({at::stack(lows), at::stack(ranges)});
}

at::Tensor normalise(const at::Tensor& table, const at::Tensor& ranges, bool by_values) {
  if (by_values)
    return table.scalar_type() == at::kFloat ? normalise_values<float>(table, ranges)
                                             : normalise_values<double>(table, ranges);
  return at::sub(table, ranges.select(0, 0)).div_(divisors(ranges));
}

at::Tensor renormalise(const at::Tensor& y, const at::Tensor& ranges, bool by_columns) {
  const at::Tensor low = ranges.select(0, 0).to(y.scalar_type());
  const at::Tensor range = ranges.select(0, 1).to(y.scalar_type());
  if (!by_columns) return y.mul_(range).add_(low);
  const at::Tensor transposed = y.t().contiguous();
  std::vector<at::Tensor> columns;
  for (std::int64_t c = 0; c < transposed.size(0); ++c)
    columns.push_back(transposed[c].mul(range[c].item()).add(low[c].item()));
  return at::stack(columns).t().contiguous();
}

}  // namespace haywatt::torch_plugin
