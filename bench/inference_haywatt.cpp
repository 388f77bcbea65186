// Our kernels on one case: inference_haywatt CASE BATCH THREADS. One line of JSON an arithmetic; bench/inference.py
// draws the table.
#include "codec/baler/network.hpp"
#include "haywatt/codec/baler/dense_inference.hpp"
#include "haywatt/exec/pool.hpp"
#include "inference_case.hpp"

namespace {

using namespace haywatt::baler;

std::vector<Linear> linears(const bench::Case& c) {
  std::vector<Linear> layers;
  for (std::size_t l = 0; l < c.weight.size(); ++l)
    layers.push_back(
        {static_cast<std::uint32_t>(c.sizes[l]), static_cast<std::uint32_t>(c.sizes[l + 1]), c.weight[l], c.bias[l]});
  return layers;
}

template <class T>
void measure(const bench::Case& c, Arithmetic arithmetic, const char* name, std::size_t batch, int threads) {
  const auto layers = autoencoder_layers(linears(c));
  const std::vector<T> x(c.rows.begin(), c.rows.end());
  const std::size_t rows = c.row_count();
  std::vector<T> y(rows * c.outputs());
  const ConstRows from(x.data(), rows, c.inputs());
  const MutableRows to(y.data(), rows, c.outputs());
  const DenseInference network(layers, arithmetic, {}, {}, &from);
  const double seconds = bench::best_seconds(3, [&] {
    // Batches are handed out to the threads; a large one is itself shared out in chunks of the usual size.
    run_chunks(network, from, to, threads, std::min<std::size_t>(batch, 4096));
  });
  bench::print_result("haywatt", name, seconds, static_cast<double>(rows), c.flop_per_row(),
                      bench::errors(c, y.data()));
}

// The kernels that .hay files rely on, fed as the codec feeds them.
template <class T>
void measure_fixed_order(const bench::Case& c, const char* name, int threads) {
  const Network<T> network(linears(c));
  const std::size_t rows = c.row_count(), n = c.inputs(), m = c.outputs();
  constexpr std::size_t block = block_rows<T>;
  const std::vector<T> x(c.rows.begin(), c.rows.end());
  std::vector<T> y(rows * m);
  constexpr std::size_t chunk = 4096;
  const double seconds = bench::best_seconds(3, [&] {
    haywatt::exec::parallel_for((rows + chunk - 1) / chunk, threads, [&](std::uint64_t i) {
      auto scratch = network.make_scratch();
      AlignedBuffer<T> in(n * block), out(m * block);
      for (std::size_t row = i * chunk; row + block <= std::min(rows, (i + 1) * chunk); row += block) {
        for (std::size_t r = 0; r < block; ++r)
          for (std::size_t k = 0; k < n; ++k) in.data()[k * block + r] = x[(row + r) * n + k];
        network.run(in.data(), out.data(), scratch);
        for (std::size_t r = 0; r < block; ++r)
          for (std::size_t k = 0; k < m; ++k) y[(row + r) * m + k] = out.data()[k * block + r];
      }
    });
  });
  bench::print_result("haywatt, fixed order", name, seconds, static_cast<double>(rows), c.flop_per_row(),
                      bench::errors(c, y.data()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: inference_haywatt CASE BATCH THREADS\n");
    return 2;
  }
  const bench::Case c = bench::read_case(argv[1]);
  const std::size_t batch = std::strtoul(argv[2], nullptr, 10);
  const int threads = std::atoi(argv[3]);
  measure<double>(c, Arithmetic::Float64, "f64", batch, threads);
  measure<float>(c, Arithmetic::Float32, "f32", batch, threads);
  measure<float>(c, Arithmetic::BFloat16, "bf16", batch, threads);
  measure<float>(c, Arithmetic::Int8, "int8", batch, threads);
  measure_fixed_order<double>(c, "f64", threads);
  measure_fixed_order<float>(c, "f32", threads);
}
