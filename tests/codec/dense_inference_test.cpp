#include "haywatt/codec/baler/dense_inference.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "codec/baler_golden.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

std::vector<DenseLayer> random_layers(test::Lcg& g, const std::vector<std::uint32_t>& sizes) {
  std::vector<DenseLayer> layers;
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    DenseLayer layer;
    layer.linear = {sizes[l], sizes[l + 1], {}, {}};
    const double reach = 1.0 / std::sqrt(sizes[l]);
    for (std::size_t i = 0; i < std::size_t{sizes[l]} * sizes[l + 1]; ++i)
      layer.linear.weight.push_back(static_cast<float>((2 * g.next() - 1) * reach));
    for (std::size_t i = 0; i < sizes[l + 1]; ++i)
      layer.linear.bias.push_back(static_cast<float>((2 * g.next() - 1) * reach));
    layer.activation = static_cast<Activation>(static_cast<int>(g.next() * 3));
    layer.slope = g.next() < 0.5 ? 0.01 : 0.2;
    layers.push_back(layer);
  }
  return layers;
}

/// The definition in double, after the normalisation in the rows' own type.
template <class S>
std::vector<double> defined(const std::vector<DenseLayer>& layers, const InputScaling& before, const S* row) {
  std::vector<double> x(layers.front().linear.inputs);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = row[i];
    if (before.minimum.empty()) continue;
    const S low = static_cast<S>(before.minimum[i]), range = static_cast<S>(before.range[i]);
    x[i] = range == S{0} && before.constant_to_zero ? x[i] * 0.0 : (row[i] - low) / range;
  }
  for (const DenseLayer& layer : layers) {
    std::vector<double> y = layer.linear.bias;
    for (std::size_t o = 0; o < y.size(); ++o) {
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += x[i] * layer.linear.weight[o * x.size() + i];
      if (layer.activation != Activation::None && y[o] < 0)
        y[o] *= layer.activation == Activation::Relu ? 0.0 : layer.slope;
    }
    x = y;
  }
  return x;
}

template <class S, class D>
void check_random_network(Arithmetic arithmetic, double tolerance) {
  rc::check([=] {
    test::Lcg g(*rc::gen::arbitrary<std::uint64_t>());
    const auto size = rc::gen::weightedOneOf<std::uint32_t>(
        {{4, rc::gen::inRange<std::uint32_t>(1, 70)}, {1, rc::gen::element<std::uint32_t>(1, 15, 24, 200, 500)}});
    std::vector<std::uint32_t> sizes =
        *rc::gen::container<std::vector<std::uint32_t>>(*rc::gen::inRange<std::size_t>(2, 6), size);
    const auto layers = random_layers(g, sizes);
    const std::size_t rows = *rc::gen::inRange<std::size_t>(0, 100);
    const std::size_t x_stride = sizes.front() + *rc::gen::inRange<std::size_t>(0, 3);
    const std::size_t y_stride = sizes.back() + *rc::gen::inRange<std::size_t>(0, 3);
    InputScaling before;
    OutputScaling after;
    before.divide = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) {
      for (std::size_t i = 0; i < sizes.front(); ++i) {
        before.minimum.push_back(static_cast<float>(4 * g.next() - 2));
        before.range.push_back(g.next() < 0.1 ? 0.0 : static_cast<float>(1 + g.next()));
      }
      for (std::size_t i = 0; i < sizes.back(); ++i) {
        after.minimum.push_back(static_cast<float>(4 * g.next() - 2));
        after.range.push_back(static_cast<float>(3 * g.next()));
      }
    }
    std::vector<S> x(rows * x_stride + 1);
    for (S& v : x) v = static_cast<S>(2 * g.next() - 1);
    const D untouched = static_cast<D>(-77);
    std::vector<D> y(rows * y_stride + 1, untouched);
    const auto set = *rc::gen::suchThat(
        rc::gen::element(Instructions::Portable, Instructions::Avx2, Instructions::Avx512), supported);
    const DenseInference network(layers, arithmetic, before, after, nullptr, set);
    run_chunks(network, {x.data(), rows, x_stride}, {y.data(), rows, y_stride}, 2,
               *rc::gen::inRange<std::size_t>(1, 60));
    for (std::size_t r = 0; r < rows; ++r) {
      const auto expected = defined(layers, before, x.data() + r * x_stride);
      double scale = 1.0;
      for (const double v : expected) scale = std::max(scale, std::fabs(v));
      for (std::size_t c = 0; c < y_stride; ++c) {
        const double got = y[r * y_stride + c];
        if (c >= sizes.back()) {
          RC_ASSERT(got == untouched);
          continue;
        }
        const double want = after.minimum.empty() ? expected[c] : expected[c] * after.range[c] + after.minimum[c];
        RC_ASSERT(std::fabs(got - want) <= tolerance * 4 * scale);
      }
    }
  });
}

TEST(DenseInference, IsTheDefinitionInFloat64) { check_random_network<double, double>(Arithmetic::Float64, 1e-14); }
TEST(DenseInference, IsTheDefinitionInFloat64FromFloatRows) {
  check_random_network<float, double>(Arithmetic::Float64, 1e-6);  // 1/range in float is an ulp off
}
TEST(DenseInference, IsTheDefinitionInFloat32) { check_random_network<float, float>(Arithmetic::Float32, 3e-6); }
TEST(DenseInference, IsTheDefinitionInFloat32FromDoubleRows) {
  check_random_network<double, float>(Arithmetic::Float32, 3e-6);
}
TEST(DenseInference, IsTheDefinitionInFloat32IntoDoubleRows) {
  check_random_network<float, double>(Arithmetic::Float32, 3e-6);
}

std::vector<Instructions> all_sets() {
  std::vector<Instructions> sets;
  for (const Instructions set : {Instructions::Portable, Instructions::Avx2, Instructions::Avx512})
    if (supported(set)) sets.push_back(set);
  return sets;
}

std::vector<double> results(const std::vector<DenseLayer>& layers, Arithmetic arithmetic, const std::vector<float>& x,
                            Instructions set) {
  const std::size_t n = layers.front().linear.inputs, m = layers.back().linear.outputs, rows = x.size() / n;
  const ConstRows from(x.data(), rows, n);
  std::vector<double> y(rows * m);
  DenseInference(layers, arithmetic, {}, {}, &from, set).run(from, {y.data(), rows, m});
  return y;
}

TEST(DenseInference, AllInstructionsGiveTheSameBits) {
  rc::check([] {
    test::Lcg g(*rc::gen::arbitrary<std::uint64_t>());
    const auto sizes = *rc::gen::container<std::vector<std::uint32_t>>(*rc::gen::inRange<std::size_t>(2, 6),
                                                                       rc::gen::inRange(1U, 150U));
    const auto layers = random_layers(g, sizes);
    std::vector<float> x(*rc::gen::inRange<std::size_t>(1, 50) * sizes.front());
    for (float& v : x) v = static_cast<float>(2 * g.next() - 1);
    for (const Arithmetic arithmetic : {Arithmetic::Float64, Arithmetic::Float32, Arithmetic::Int8}) {
      const auto first = results(layers, arithmetic, x, Instructions::Portable);
      for (const Instructions set : all_sets()) RC_ASSERT(results(layers, arithmetic, x, set) == first);
    }
  });
}

/// Whole numbers as weights, which bfloat16 and bytes hold exactly: 127 in every row makes a byte's step one.
std::vector<DenseLayer> whole_layer(test::Lcg& g, std::uint32_t inputs, std::uint32_t outputs) {
  DenseLayer layer;
  layer.linear = {inputs, outputs, {}, {}};
  for (std::size_t i = 0; i < std::size_t{inputs} * outputs; ++i)
    layer.linear.weight.push_back(i % inputs == 0 ? 127 : std::floor(g.next() * 255) - 127);
  for (std::size_t o = 0; o < outputs; ++o) layer.linear.bias.push_back(std::floor(g.next() * 100) - 50);
  layer.activation = Activation::Relu;
  return {layer};
}

TEST(DenseInference, ShortNumbersAreExactWhereTheyCanBe) {
  test::Lcg g(2);
  for (const std::uint32_t inputs : {1U, 2U, 3U, 15U, 64U, 130U, 257U}) {
    for (const std::uint32_t outputs : {1U, 4U, 7U, 15U, 50U}) {
      const auto layers = whole_layer(g, inputs, outputs);
      std::vector<float> x(67 * std::size_t{inputs});
      for (float& v : x) v = static_cast<float>(std::floor(g.next() * 256));
      x.front() = 255;
      for (const Arithmetic arithmetic : {Arithmetic::BFloat16, Arithmetic::Int8}) {
        for (const Instructions set : all_sets()) {
          const auto y = results(layers, arithmetic, x, set);
          for (std::size_t r = 0; r < 67; ++r) {
            const auto expected = defined(layers, {}, x.data() + r * inputs);
            for (std::size_t o = 0; o < outputs; ++o)
              ASSERT_NEAR(y[r * outputs + o], expected[o], 1e-6 * 127 * 255 * inputs)
                  << inputs << " to " << outputs << ", row " << r << ", output " << o;
          }
        }
      }
    }
  }
}

TEST(DenseInference, ShortNumbersStayNearFloat64) {
  rc::check([] {
    test::Lcg g(*rc::gen::arbitrary<std::uint64_t>());
    const auto sizes = *rc::gen::container<std::vector<std::uint32_t>>(*rc::gen::inRange<std::size_t>(2, 6),
                                                                       rc::gen::inRange(1U, 90U));
    const auto layers = random_layers(g, sizes);
    std::vector<float> x(*rc::gen::inRange<std::size_t>(1, 80) * sizes.front());
    for (float& v : x) v = static_cast<float>(2 * g.next() - 1);
    const auto exact = results(layers, Arithmetic::Float64, x, Instructions::Portable);
    double scale = 0.1;
    for (const double v : exact) scale = std::max(scale, std::fabs(v));
    for (const auto& [arithmetic, tolerance] : {std::pair{Arithmetic::BFloat16, 0.03}, {Arithmetic::Int8, 0.1}}) {
      for (const Instructions set : all_sets()) {
        const auto y = results(layers, arithmetic, x, set);
        for (std::size_t i = 0; i < y.size(); ++i) RC_ASSERT(std::fabs(y[i] - exact[i]) <= tolerance * scale);
      }
    }
  });
}

TEST(DenseInference, DeviationIsMeasured) {
  test::Lcg g(3);
  const auto layers = random_layers(g, {24, 50, 15});
  std::vector<float> x(500 * 24);
  for (float& v : x) v = static_cast<float>(g.next());
  const ConstRows rows(x.data(), 500, 24);
  const DenseInference exact(layers, Arithmetic::Float64);
  const Deviation none = deviation(exact, exact, rows);
  const Deviation f4 = deviation(DenseInference(layers, Arithmetic::Float32), exact, rows);
  const Deviation bf16 = deviation(DenseInference(layers, Arithmetic::BFloat16), exact, rows);
  const Deviation int8 = deviation(DenseInference(layers, Arithmetic::Int8, {}, {}, &rows), exact, rows);
  EXPECT_EQ(none.largest, 0.0);
  EXPECT_GT(f4.rms, 0.0);
  EXPECT_LT(f4.largest, 1e-5);
  EXPECT_LT(f4.rms, bf16.rms);
  EXPECT_LT(bf16.rms, int8.rms);
  EXPECT_LT(int8.rms, 0.2 * int8.reference_rms);
  EXPECT_LE(int8.rms, int8.largest);
}

/// A real project of Baler's: its weights, its input, its latents, its output.
struct RealBaler {
  RealBaler() {
    const auto weights = test::golden_values<double>("jets_model.f8");
    std::size_t at = 0;
    for (std::vector<Linear>* half : {&model.encoder, &model.decoder})
      for (Linear& layer : *half)
        for (std::vector<double>* values : {&layer.weight, &layer.bias})
          for (double& v : *values) v = weights.at(at++);
    const auto ranges = test::golden_values<float>("jets_ranges.f4");
    minimum.assign(ranges.begin(), ranges.begin() + 24);
    range.assign(ranges.begin() + 24, ranges.begin() + 48);
  }
  Model model = make_model(24, 15, false);
  std::vector<double> minimum, range;
};

TEST(DenseInference, GivesRealBalersLatents) {
  const RealBaler real;
  const auto rows = test::golden_values<float>("jets_rows.f4");
  const auto expected = test::golden_values<double>("jets_latents.f8");
  for (const auto& [arithmetic, tolerance] : {std::pair{Arithmetic::Float64, 1e-12}, {Arithmetic::Float32, 1e-5}}) {
    const DenseInference encoder(autoencoder_layers(real.model.encoder), arithmetic, {real.minimum, real.range});
    std::vector<double> latents(expected.size());
    encoder.run({rows.data(), rows.size() / 24, 24}, {latents.data(), rows.size() / 24, 15});
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(latents[i], expected[i], tolerance) << i;
  }
}

TEST(DenseInference, GivesRealBalersOutput) {
  const RealBaler real;
  const auto latents = test::golden_values<double>("jets_latents.f8");
  const auto expected = test::golden_values<double>("jets_output.f8");
  std::vector<Rounding> rounding(24, Rounding::None);
  for (const std::size_t c : {12, 13, 14, 15, 16, 17, 18, 22, 23}) rounding[c] = Rounding::Truncate;
  const DenseInference decoder(autoencoder_layers(real.model.decoder), Arithmetic::Float64, {},
                               {real.minimum, real.range, rounding});
  std::vector<double> output(expected.size());
  decoder.run({latents.data(), 48, 15}, {output.data(), 48, 24});
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i])) continue;  // Baler added a float16 correction here
    ASSERT_NEAR(output[i], expected[i], 1e-12 * std::max(1.0, std::fabs(expected[i]))) << i;
  }
}

TEST(DenseInference, RoundsColumnsAsAsked) {
  const std::vector<DenseLayer> identity = {{{1, 3, {1, 1, 1}, {0, 0, 0}}}};
  const DenseInference network(identity, Arithmetic::Float64, {},
                               {{0, 0, 0}, {1, 1, 1}, {Rounding::None, Rounding::Nearest, Rounding::Truncate}});
  const double x[] = {2.5, -1.75, 0.5};
  double y[9];
  network.run({x, 3, 1}, {y, 3, 3});
  const std::vector<double> expected = {2.5, 2, 2, -1.75, -2, -1, 0.5, 0, 0};
  EXPECT_EQ(std::vector<double>(y, y + 9), expected);
}

TEST(DenseInference, NotANumberStaysInItsRow) {
  test::Lcg g(8);
  const auto layers = random_layers(g, {24, 50, 15});
  for (const Arithmetic arithmetic : {Arithmetic::Float64, Arithmetic::Float32, Arithmetic::BFloat16}) {
    std::vector<double> x(40 * 24, 0.5), y(40 * 15);
    x[7 * 24 + 3] = std::numeric_limits<double>::quiet_NaN();
    x[9 * 24 + 5] = std::numeric_limits<double>::infinity();
    DenseInference(layers, arithmetic).run({x.data(), 40, 24}, {y.data(), 40, 15});
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t row = i / 15;
      if (row != 9) {
        ASSERT_EQ(std::isnan(y[i]), row == 7) << i;
      }
    }
    EXPECT_TRUE(std::any_of(y.begin() + 9 * 15, y.begin() + 10 * 15, [](double v) { return !std::isfinite(v); }));
  }
}

TEST(DenseInference, ConstantColumnsAreZeroOrBalersNaN) {
  const std::vector<DenseLayer> identity = {{{1, 1, {1}, {0}}}};
  const float x[] = {3};
  double y[1];
  DenseInference(identity, Arithmetic::Float64, {{3}, {0}}).run({x, 1, 1}, {y, 1, 1});
  EXPECT_EQ(y[0], 0.0);
  DenseInference(identity, Arithmetic::Float64, {{3}, {0}, true, false}).run({x, 1, 1}, {y, 1, 1});
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(DenseInference, RefusesWhatDoesNotFit) {
  test::Lcg g(8);
  auto layers = random_layers(g, {4, 5, 6});
  EXPECT_THROW(DenseInference({}, Arithmetic::Float64), Error);
  EXPECT_THROW(DenseInference(layers, Arithmetic::Int8), Error);  // nothing to calibrate on
  EXPECT_THROW(DenseInference(layers, Arithmetic::Float64, {{1, 2}, {1, 2}}), Error);
  EXPECT_THROW(DenseInference(layers, Arithmetic::Float64, {}, {{1}, {1}}), Error);
  EXPECT_THROW(DenseInference(layers, Arithmetic::Float64, {}, {{}, {}, {Rounding::Nearest}}), Error);
  layers[1].linear.inputs = 3;
  EXPECT_THROW(DenseInference(layers, Arithmetic::Float64), Error);
  layers[1].linear = {5, 6, {1}, {1}};
  EXPECT_THROW(DenseInference(layers, Arithmetic::Float64), Error);
}

}  // namespace
}  // namespace haywatt::baler
