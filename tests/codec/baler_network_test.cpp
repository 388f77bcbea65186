#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "codec/baler/autoencoder.hpp"
#include "codec/baler/model_io.hpp"
#include "codec/baler/network.hpp"
#include "codec/baler_golden.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

using test::golden_values;

template <class T>
std::vector<T> run(const Network<T>& network, const std::vector<T>& block) {
  AlignedBuffer<T> x(block.size()), y(network.outputs() * block_rows<T>);
  std::copy(block.begin(), block.end(), x.data());
  auto scratch = network.make_scratch();
  network.run(x.data(), y.data(), scratch);
  return {y.data(), y.data() + y.size()};
}

/// The definition, with no blocks, panels or vectors.
template <class T>
std::vector<T> naive_row(const std::vector<Linear>& layers, std::vector<T> x) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    std::vector<T> y(layers[l].outputs);
    for (std::size_t o = 0; o < y.size(); ++o) {
      T sum = static_cast<T>(layers[l].bias[o]);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const T product = x[i] * static_cast<T>(layers[l].weight[o * x.size() + i]);
        sum = sum + product;
      }
      y[o] = l + 1 == layers.size() || sum > T{0} ? sum : sum * static_cast<T>(0.01);
    }
    x = y;
  }
  return x;
}

template <class T>
class BalerNetwork : public testing::Test {};
using Types = testing::Types<double, float>;
TYPED_TEST_SUITE(BalerNetwork, Types);

TYPED_TEST(BalerNetwork, IsTheDefinitionBitForBitWithEveryInstructionSet) {
  using T = TypeParam;
  Model model = make_model(7, 3, sizeof(T) == 4);  // 7 and 3: panels of four with a rest
  test::fill(model, 11);
  test::Lcg g(5);
  std::vector<T> block(7 * block_rows<T>);
  for (T& v : block) v = static_cast<T>(4.0 * g.next() - 2.0);
  for (const Instructions set : {Instructions::Portable, Instructions::Avx2, Instructions::Avx512}) {
    if (!supported(set)) continue;
    const std::vector<T> y = run(Network<T>(model.encoder, set), block);
    for (std::size_t r = 0; r < block_rows<T>; ++r) {
      std::vector<T> row;
      for (std::size_t i = 0; i < 7; ++i) row.push_back(block[i * block_rows<T> + r]);
      const std::vector<T> expected = naive_row<T>(model.encoder, row);
      for (std::size_t o = 0; o < 3; ++o)
        ASSERT_EQ(y[o * block_rows<T> + r], expected[o]) << "set " << static_cast<int>(set) << " row " << r;
    }
  }
}

TYPED_TEST(BalerNetwork, GivesTheseBitsOnEveryMachine) {
  using T = TypeParam;
  Model model = make_model(24, 15, sizeof(T) == 4);
  test::fill(model, 3);
  test::Lcg g(4);
  std::vector<T> block(24 * block_rows<T>);
  for (T& v : block) v = static_cast<T>(g.next());
  const std::vector<T> z = run(Network<T>(model.encoder), block);
  const std::vector<T> y = run(Network<T>(model.decoder), z);
  const auto hash = [](const std::vector<T>& v) { return xxh3(std::as_bytes(std::span<const T>(v))); };
  EXPECT_EQ(hash(z), sizeof(T) == 8 ? 6764234286696027281U : 6478350209848391570U);
  EXPECT_EQ(hash(y), sizeof(T) == 8 ? 14434196933113819566U : 18146089494958694180U);
}

TEST(BalerModel, CountsAsTheSpecificationDoes) {
  const Model model = make_model(24, 15, false);
  EXPECT_EQ(model.parameters(), 61839U);
  EXPECT_EQ(model.macs_encode_per_row(), 30550U);
  EXPECT_EQ(model.macs_decode_per_row(), 30550U);
  EXPECT_EQ(make_model(2500, 25, true).parameters(), 1055725U);
  EXPECT_EQ(latent_size(24, 1.6), 15U);
  EXPECT_EQ(latent_size(24, 2.0), 12U);
  EXPECT_EQ(latent_size(5, 2.0), 3U);
  EXPECT_EQ(latent_size(5, 1000.0), 1U);
  EXPECT_THROW(static_cast<void>(latent_size(5, 0.0)), Error);
}

/// A real project of Baler's: its weights, its input, its latents.
class RealBaler : public testing::Test {
 protected:
  void SetUp() override {
    const auto weights = golden_values<double>("jets_model.f8");
    std::size_t at = 0;
    for (std::vector<Linear>* half : {&model.encoder, &model.decoder}) {
      for (Linear& layer : *half) {
        for (std::vector<double>* values : {&layer.weight, &layer.bias}) {
          ASSERT_LE(at + values->size(), weights.size());
          for (double& v : *values) v = weights[at++];
        }
      }
    }
    ASSERT_EQ(at, weights.size());
    const auto ranges = golden_values<float>("jets_ranges.f4");
    for (std::uint32_t c = 0; c < 24; ++c)
      features.push_back({c, DType{ScalarKind::Float, 8, false}, 1, false, {ranges[c]}, {ranges[24 + c]}});
  }
  Model model = make_model(24, 15, false);
  std::vector<FeatureColumn> features;
};

TEST_F(RealBaler, LatentsAgree) {
  for (FeatureColumn& f : features) f.type.size = 4;
  const auto rows = golden_values<float>("jets_rows.f4");
  std::vector<ByteVector> columns(24);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto value = std::as_bytes(std::span(&rows[i], 1));
    columns[i % 24].insert(columns[i % 24].end(), value.begin(), value.end());
  }
  const auto autoencoder = make_autoencoder(model.encoder, model.decoder, false, features);
  const ByteVector latents = autoencoder->latents({columns.begin(), columns.end()}, 48);
  const auto expected = golden_values<double>("jets_latents.f8");
  ASSERT_EQ(latents.size(), expected.size() * sizeof(double));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double value = 0.0;
    std::memcpy(&value, latents.data() + i * sizeof value, sizeof value);
    ASSERT_NEAR(value, expected[i], 1e-12) << i;
  }
}

TEST_F(RealBaler, DecompressedValuesAgree) {
  const auto latents = golden_values<double>("jets_latents.f8");
  const auto expected = golden_values<double>("jets_output.f8");
  std::vector<ByteVector> columns(24, ByteVector(48 * sizeof(double)));
  std::vector<std::byte*> targets;
  targets.reserve(columns.size());
  for (ByteVector& column : columns) targets.push_back(column.data());
  make_autoencoder(model.encoder, model.decoder, false, features)
      ->reconstruct(std::as_bytes(std::span(latents)), 48, targets);
  int compared = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::size_t c = i % 24;
    double value = 0.0;
    std::memcpy(&value, columns[c].data() + i / 24 * sizeof value, sizeof value);
    if (std::isnan(expected[i])) continue;  // Baler added a float16 correction here
    ++compared;
    if ((c >= 12 && c <= 18) || c >= 22) value = std::trunc(value);
    ASSERT_NEAR(value, expected[i], 1e-9 * std::max(1.0, std::fabs(expected[i]))) << i;
  }
  EXPECT_GT(compared, 500);
}

TEST(BalerModelBytes, RoundTrip) {
  for (const bool float32 : {false, true}) {
    Model model = make_model(9, 4, float32);
    test::fill(model, 6);
    ByteWriter out;
    write_model(out, model, all_bits);
    ByteReader in(out.view(), "model");
    const Model back = read_model(in, 9);
    in.expect_end();
    EXPECT_EQ(back.float32, float32);
    for (std::size_t l = 0; l < 4; ++l) {
      EXPECT_EQ(back.encoder[l].weight, model.encoder[l].weight);
      EXPECT_EQ(back.decoder[l].bias, model.decoder[l].bias);
    }
    ByteWriter small;
    write_model(small, rounded_decoder(model, 9), 9);
    ByteReader again(small.view(), "model");
    const Model half = read_model(again, 9);
    EXPECT_TRUE(half.encoder.empty());
    EXPECT_EQ(half.decoder[1].weight, rounded_decoder(model, 9).decoder[1].weight);
    EXPECT_LT(small.size(), out.size() / 2);
  }
}

TEST(BalerModelBytes, RoundingKeepsTheAskedBits) {
  test::Lcg g(9);
  for (int i = 0; i < 10000; ++i) {
    const double x = std::ldexp(2.0 * g.next() - 1.0, static_cast<int>(g.next() * 40) - 20);
    for (const int bits : {1, 7, 15, 23}) {
      const float y = round_mantissa(x, bits);
      ASSERT_LE(std::fabs(static_cast<double>(y) - x), std::fabs(x) * std::ldexp(1.0001, -bits - 1));
      ASSERT_EQ(std::bit_cast<std::uint32_t>(y) & ((1U << (23 - bits)) - 1), 0U);
    }
  }
}

TEST(BalerModelBytes, DamageIsAnError) {
  Model model = make_model(6, 3, false);
  test::fill(model, 6);
  for (const int bits : {all_bits, 9}) {
    ByteWriter out;
    write_model(out, bits == all_bits ? model : rounded_decoder(model, bits), bits);
    const ByteVector good = out.take();
    for (const std::size_t keep : {std::size_t{0}, std::size_t{5}, std::size_t{30}, good.size() - 1}) {
      ByteReader in(ByteSpan(good).first(keep), "model");
      EXPECT_THROW(static_cast<void>(read_model(in, 6)), Error) << keep;
    }
    // The header and the block's length; a rounded model is as sound with the float type flipped.
    for (std::size_t at = bits == all_bits ? 0 : 1; at < 19; ++at) {
      for (const int flip : {1, 128}) {
        ByteVector bad = good;
        bad[at] ^= static_cast<std::byte>(flip);
        ByteReader in(bad, "model");
        EXPECT_THROW(static_cast<void>(read_model(in, 6)), Error) << at;
      }
    }
  }
  model.decoder[2].weight[3] = NAN;
  ByteWriter out;
  write_model(out, model, all_bits);
  ByteReader in(out.view(), "model");
  EXPECT_THROW(static_cast<void>(read_model(in, 6)), Error);
}

}  // namespace
}  // namespace haywatt::baler
