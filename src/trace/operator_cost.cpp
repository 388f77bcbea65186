#include "haywatt/trace/operator_cost.hpp"

#include <algorithm>

namespace haywatt::trace {
namespace {

using Inputs = std::span<const TensorShape>;

/// How an operator's cost follows from its inputs.
enum class Rule : std::uint8_t {
  Nothing,      ///< a view, or a frame around other operators
  Product,      ///< mm, bmm: two matrices
  AddProduct,   ///< addmm: a third is added, broadcast
  Elementwise,  ///< `flops` for each value of the (broadcast) result
  InPlace,      ///< the same; the first input is also what is written
  Copy,         ///< inputs are read once, as many values are written
  Into,         ///< what is copied is the second input, the first is overwritten
  Fill,         ///< the first input is overwritten
  Reduce,       ///< `flops` for each input value, few written
};

struct Entry {
  std::string_view name;  ///< without "aten::"
  Rule rule;
  double flops = 0.0;
};

// Sorted by name. FLOPs of an activation, comparison, division or root: one a value (docs/counting.md).
constexpr Entry entries[] = {
    {"_local_scalar_dense", Rule::Nothing},
    {"_to_copy", Rule::Nothing},
    {"add", Rule::Elementwise, 1},
    {"add_", Rule::InPlace, 1},
    {"addcdiv_", Rule::InPlace, 3},
    {"addcmul_", Rule::InPlace, 3},
    {"addmm", Rule::AddProduct},
    {"alias", Rule::Nothing},
    {"amax", Rule::Reduce, 1},
    {"amin", Rule::Reduce, 1},
    {"as_strided", Rule::Nothing},
    {"baddbmm", Rule::AddProduct},
    {"bmm", Rule::Product},
    {"broadcast_to", Rule::Nothing},
    {"cat", Rule::Copy},
    {"clone", Rule::Nothing},
    {"contiguous", Rule::Nothing},
    {"copy_", Rule::Into},
    {"detach", Rule::Nothing},
    {"detach_", Rule::Nothing},
    {"div", Rule::Elementwise, 1},
    {"div_", Rule::InPlace, 1},
    {"empty", Rule::Nothing},
    {"empty_like", Rule::Nothing},
    {"empty_strided", Rule::Nothing},
    {"eq", Rule::Elementwise, 1},
    {"equal", Rule::Reduce, 0.5},
    {"expand", Rule::Nothing},
    {"fill_", Rule::Fill},
    {"gelu", Rule::Elementwise, 1},
    {"index_select", Rule::Copy},
    {"is_nonzero", Rule::Nothing},
    {"is_same_size", Rule::Nothing},
    {"item", Rule::Nothing},
    {"leaky_relu", Rule::Elementwise, 1},
    {"leaky_relu_", Rule::InPlace, 1},
    {"leaky_relu_backward", Rule::Elementwise, 1},
    {"lift_fresh", Rule::Nothing},
    {"linear", Rule::Nothing},
    {"matmul", Rule::Nothing},
    {"max", Rule::Reduce, 1},
    {"min", Rule::Reduce, 1},
    {"mm", Rule::Product},
    {"mse_loss", Rule::Reduce, 1.5},
    {"mse_loss_backward", Rule::Elementwise, 3},
    {"mul", Rule::Elementwise, 1},
    {"mul_", Rule::InPlace, 1},
    {"narrow", Rule::Nothing},
    {"neg", Rule::Elementwise, 1},
    {"new_empty", Rule::Nothing},
    {"new_empty_strided", Rule::Nothing},
    {"ones_like", Rule::Nothing},
    {"permute", Rule::Nothing},
    {"relu", Rule::Elementwise, 1},
    {"relu_", Rule::InPlace, 1},
    {"reshape", Rule::Nothing},
    {"resize_", Rule::Nothing},
    {"resolve_conj", Rule::Nothing},
    {"resolve_neg", Rule::Nothing},
    {"result_type", Rule::Nothing},
    {"select", Rule::Nothing},
    {"slice", Rule::Nothing},
    {"sqrt", Rule::Elementwise, 1},
    {"sqrt_", Rule::InPlace, 1},
    {"squeeze", Rule::Nothing},
    {"stack", Rule::Nothing},
    {"sub", Rule::Elementwise, 1},
    {"sub_", Rule::InPlace, 1},
    {"sum", Rule::Reduce, 1},
    {"t", Rule::Nothing},
    {"threshold_backward", Rule::Elementwise, 1},
    {"to", Rule::Nothing},
    {"transpose", Rule::Nothing},
    {"uniform_", Rule::Fill},
    {"unsqueeze", Rule::Nothing},
    {"view", Rule::Nothing},
    {"where", Rule::Elementwise, 0},
    {"zero_", Rule::Fill},
    {"zeros", Rule::Nothing},
    {"zeros_like", Rule::Nothing},
};
static_assert(std::is_sorted(std::begin(entries), std::end(entries),
                             [](const Entry& a, const Entry& b) { return a.name < b.name; }));

const Entry* find(std::string_view name) noexcept {
  if (name.starts_with("aten::")) name.remove_prefix(6);
  const auto* it = std::lower_bound(std::begin(entries), std::end(entries), name,
                                    [](const Entry& e, std::string_view n) { return e.name < n; });
  return it != std::end(entries) && it->name == name ? it : nullptr;
}

OperatorCost nothing() noexcept { return {.macs = 0, .flops = 0, .read_B = 0, .written_B = 0}; }

/// (…, rows, inner) x (…, inner, columns).
OperatorCost product(const TensorShape& a, const TensorShape& b, const TensorShape* added) noexcept {
  if (a.dimensions < 2 || b.dimensions != a.dimensions) return {};
  const double columns = static_cast<double>(b.sizes[b.dimensions - 1]);
  const double inner = static_cast<double>(a.sizes[a.dimensions - 1]);
  const double results = inner > 0 ? a.values() / inner * columns : 0.0;
  OperatorCost cost = {.macs = a.values() * columns, .read_B = a.bytes() + b.bytes(), .written_B = results * a.item_B};
  cost.flops = 2.0 * cost.macs;
  if (added != nullptr) {
    cost.flops += results;
    cost.read_B += added->bytes();
  }
  return cost;
}

double read_all(Inputs inputs) noexcept {
  double sum = 0.0;
  for (const TensorShape& s : inputs) sum += s.bytes();
  return sum;
}

const TensorShape& largest(Inputs inputs) noexcept {
  return *std::max_element(inputs.begin(), inputs.end(),
                           [](const TensorShape& a, const TensorShape& b) { return a.values() < b.values(); });
}

}  // namespace

OperatorCost operator_cost(std::string_view name, Inputs inputs) noexcept {
  const Entry* entry = find(name);
  if (entry == nullptr) return {};
  if (entry->rule == Rule::Nothing) return nothing();
  if (inputs.empty()) return {};
  OperatorCost cost = {.macs = 0, .flops = 0, .read_B = read_all(inputs), .written_B = 0};
  switch (entry->rule) {
    case Rule::Nothing:
      break;
    case Rule::Product:
      return inputs.size() < 2 ? OperatorCost{} : product(inputs[0], inputs[1], nullptr);
    case Rule::AddProduct:
      return inputs.size() < 3 ? OperatorCost{} : product(inputs[1], inputs[2], &inputs[0]);
    case Rule::Elementwise:
      cost.flops = entry->flops * largest(inputs).values();
      cost.written_B = largest(inputs).bytes();
      break;
    case Rule::InPlace:
      cost.flops = entry->flops * inputs[0].values();
      cost.written_B = inputs[0].bytes();
      break;
    case Rule::Copy:
      cost.written_B = cost.read_B;
      break;
    case Rule::Into:
      cost.written_B = inputs[0].bytes();
      cost.read_B -= cost.written_B;
      break;
    case Rule::Fill:
      cost.written_B = inputs[0].bytes();
      cost.read_B = 0.0;
      break;
    case Rule::Reduce:
      for (const TensorShape& s : inputs) cost.flops += entry->flops * s.values();
      break;
  }
  return cost;
}

bool is_product(std::string_view name) noexcept {
  const Entry* entry = find(name);
  return entry != nullptr && (entry->rule == Rule::Product || entry->rule == Rule::AddProduct);
}

}  // namespace haywatt::trace
