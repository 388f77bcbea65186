// libtorch on one case: inference_torch CASE BATCH THREADS. Batches are slices of one tensor, results go into one
// preallocated tensor, in inference mode: what a careful user of libtorch would write.
#include <torch/torch.h>

#include "inference_case.hpp"

namespace {

void measure(const bench::Case& c, torch::ScalarType type, const char* name, std::int64_t batch) {
  const torch::InferenceMode guard;
  const auto doubles = torch::TensorOptions().dtype(torch::kFloat64);
  std::vector<torch::Tensor> weight, bias;
  for (std::size_t l = 0; l < c.weight.size(); ++l) {
    auto* w = const_cast<double*>(c.weight[l].data());
    auto* b = const_cast<double*>(c.bias[l].data());
    weight.push_back(torch::from_blob(w, {c.sizes[l + 1], c.sizes[l]}, doubles).to(type));
    bias.push_back(torch::from_blob(b, {c.sizes[l + 1]}, doubles).to(type));
  }
  const auto rows = static_cast<std::int64_t>(c.row_count());
  const torch::Tensor x = torch::from_blob(const_cast<float*>(c.rows.data()), {rows, c.sizes.front()}).to(type);
  torch::Tensor y = torch::empty({rows, c.sizes.back()}, type);
  const double seconds = bench::best_seconds(3, [&] {
    for (std::int64_t row = 0; row < rows; row += batch) {
      torch::Tensor h = x.slice(0, row, std::min(rows, row + batch));
      for (std::size_t l = 0; l < weight.size(); ++l) {
        h = torch::linear(h, weight[l], bias[l]);
        if (l + 1 < weight.size()) torch::leaky_relu_(h, 0.01);
      }
      y.slice(0, row, std::min(rows, row + batch)).copy_(h);
    }
  });
  const torch::Tensor result = y.slice(0, 0, std::min<std::int64_t>(rows, 512)).to(torch::kFloat64).contiguous();
  bench::print_result("libtorch " TORCH_VERSION, name, seconds, static_cast<double>(rows), c.flop_per_row(),
                      bench::errors(c, result.data_ptr<double>()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: inference_torch CASE BATCH THREADS\n");
    return 2;
  }
  const bench::Case c = bench::read_case(argv[1]);
  const std::int64_t batch = std::atoll(argv[2]);
  torch::set_num_threads(std::atoi(argv[3]));
  measure(c, torch::kFloat64, "f64", batch);
  measure(c, torch::kFloat32, "f32", batch);
  measure(c, torch::kBFloat16, "bf16", batch);
}
