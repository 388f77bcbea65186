// oneDNN on one case: inference_onednn CASE BATCH THREADS. Inner products with LeakyReLU as post-operation, weights and
// inner layers in the layouts that oneDNN picks; f32, bf16, and int8 (signed, one step a layer from the first 512 rows,
// one an output for the weights).
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "inference_case.hpp"

namespace {

using dnnl::memory;
using tag = memory::format_tag;

/// max |value| of every layer's input over the first 512 rows.
std::vector<double> reaches(const bench::Case& c) {
  std::vector<double> found;
  for (std::size_t l = 0; l < c.weight.size(); ++l) {
    bench::Case first = c;
    first.weight.resize(l);
    first.sizes.resize(l + 1);
    double reach = 0;
    if (l == 0) {
      for (std::size_t i = 0; i < std::min<std::size_t>(512, c.row_count()) * c.inputs(); ++i)
        reach = std::max(reach, std::fabs(static_cast<double>(c.rows[i])));
    } else {
      for (const double v : bench::exact(first, 512)) reach = std::max(reach, v < 0 ? -0.01 * v : v);
    }
    found.push_back(reach);
  }
  return found;
}

struct Step {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

void measure(const bench::Case& c, memory::data_type type, const char* name, std::int64_t batch) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const bool int8 = type == memory::data_type::s8;
  const auto rows = static_cast<std::int64_t>(c.row_count());
  batch = std::min(batch, rows);
  const auto nc = [&](std::int64_t columns, memory::data_type t) { return memory::desc({batch, columns}, t, tag::nc); };
  std::vector<float> y(c.row_count() * c.outputs());
  memory input(nc(c.sizes.front(), memory::data_type::f32), engine, nullptr);
  memory output(nc(c.sizes.back(), memory::data_type::f32), engine, nullptr);
  memory from = input;
  std::vector<Step> steps;
  const std::vector<double> reach = int8 ? reaches(c) : std::vector<double>();
  const auto reorder = [&](memory a, memory b, const dnnl::primitive_attr& attr = {}) {
    return Step{dnnl::reorder(dnnl::reorder::primitive_desc(a, b, attr)), {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}}};
  };
  for (std::size_t l = 0; l < c.weight.size(); ++l) {
    const std::int64_t n = c.sizes[l], m = c.sizes[l + 1];
    const bool last = l + 1 == c.weight.size();
    std::vector<float> weight(c.weight[l].begin(), c.weight[l].end()), bias(c.bias[l].begin(), c.bias[l].end());
    dnnl::primitive_attr attr;
    if (int8) {
      std::vector<float> scales;
      for (std::int64_t o = 0; o < m; ++o) {
        float largest = 1e-30F;
        for (std::int64_t i = 0; i < n; ++i)
          largest = std::max(largest, std::fabs(weight[static_cast<std::size_t>(o * n + i)]));
        for (std::int64_t i = 0; i < n; ++i) {
          float& w = weight[static_cast<std::size_t>(o * n + i)];
          w = std::nearbyint(w / largest * 127);
        }
        const double worth = largest / 127 * (reach[l] / 127);
        bias[static_cast<std::size_t>(o)] = static_cast<float>(bias[static_cast<std::size_t>(o)] / worth);
        scales.push_back(static_cast<float>(last ? worth : worth / (reach[l + 1] / 127)));
      }
      attr.set_output_scales(2, scales);
    }
    dnnl::post_ops post;
    if (!last) post.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.01F, 0.0F);
    attr.set_post_ops(post);
    const dnnl::inner_product_forward::primitive_desc product(
        {dnnl::prop_kind::forward_inference, memory::desc({batch, n}, type, tag::any),
         memory::desc({m, n}, type, tag::any), memory::desc({m}, memory::data_type::f32, tag::x),
         last ? nc(m, memory::data_type::f32) : memory::desc({batch, m}, type, tag::any)},
        attr, engine);
    if (from.get_desc() != product.src_desc()) {
      memory to(product.src_desc(), engine);
      dnnl::primitive_attr scale;
      if (l == 0 && int8) scale.set_output_scales(0, {static_cast<float>(127 / reach[0])});
      steps.push_back(reorder(from, to, scale));
      from = to;
    }
    memory plain({{m, n}, memory::data_type::f32, tag::nc}, engine, weight.data());
    memory packed(product.weights_desc(), engine);
    const Step pack = reorder(plain, packed);
    pack.primitive.execute(stream, pack.arguments);
    memory biases({{m}, memory::data_type::f32, tag::x}, engine);
    std::copy(bias.begin(), bias.end(), static_cast<float*>(biases.get_data_handle()));
    const memory to = last ? output : memory(product.dst_desc(), engine);
    steps.push_back({dnnl::inner_product_forward(product),
                     {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_BIAS, biases}, {DNNL_ARG_DST, to}}});
    stream.wait();
    from = to;
  }
  const double seconds = bench::best_seconds(3, [&] {
    for (std::int64_t row = 0; row + batch <= rows; row += batch) {
      input.set_data_handle(const_cast<float*>(c.rows.data()) + row * c.sizes.front());
      output.set_data_handle(y.data() + row * c.sizes.back());
      for (const Step& step : steps) step.primitive.execute(stream, step.arguments);
    }
    stream.wait();
  });
  const auto* version = dnnl::version();
  const std::string who = "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                          std::to_string(version->patch);
  bench::print_result(who, name, seconds, static_cast<double>(rows / batch * batch), c.flop_per_row(),
                      bench::errors(c, y.data()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: inference_onednn CASE BATCH THREADS\n");
    return 2;
  }
  const bench::Case c = bench::read_case(argv[1]);
  const std::int64_t batch = std::atoll(argv[2]);
  omp_set_num_threads(std::atoi(argv[3]));
  measure(c, memory::data_type::f32, "f32", batch);
  measure(c, memory::data_type::bf16, "bf16", batch);
  measure(c, memory::data_type::s8, "int8", batch);
}
