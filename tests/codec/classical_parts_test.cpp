// The parts that the column-wise methods are made of.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "codec/classical/array_shape.hpp"
#include "codec/classical/bit_rounding.hpp"
#include "codec/classical/half.hpp"
#include "codec/classical/hdf5_methods.hpp"
#include "codec/classical/hdf5_plugins.hpp"
#include "codec/classical/lattice.hpp"
#include "codec/classical/packed_words.hpp"
#include "codec/classical/zstd_compressor.hpp"
#include "data/value_types.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

template <class T>
ByteVector bytes_of(const std::vector<T>& v) {
  ByteVector b(v.size() * sizeof(T));
  std::memcpy(b.data(), v.data(), b.size());
  return b;
}

TEST(Half, EveryHalfComesBackFromDouble) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Half h{static_cast<std::uint16_t>(bits)};
    const double d = to_double(h);
    if (std::isnan(d))
      EXPECT_TRUE(std::isnan(to_double(Half{half_from_double(d)})));
    else
      ASSERT_EQ(half_from_double(d), h.bits) << d;
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  for (std::uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const double a = to_double(Half{static_cast<std::uint16_t>(bits)});
    const double b = to_double(Half{static_cast<std::uint16_t>(bits + 1)});
    const double middle = (a + b) / 2;
    ASSERT_EQ(half_from_double(middle), bits + bits % 2) << middle;
    ASSERT_EQ(half_from_double(std::nextafter(middle, a)), bits);
    ASSERT_EQ(half_from_double(-std::nextafter(middle, b)), (bits + 1) | 0x8000);
  }
  EXPECT_EQ(half_from_double(65519.9), 0x7bff);
  EXPECT_EQ(half_from_double(65520.0), 0x7c00);
  EXPECT_EQ(half_from_double(-1e300), 0xfc00);
}

TEST(BitRounding, EveryHalfAndBitCountKeepsHalfAUnit) {
  const DType type = DType::parse("f2");
  for (int bits = 0; bits <= 10; ++bits)
    for (std::uint32_t word = 0; word < 0x10000; ++word) {
      ByteVector v = bytes_of<std::uint16_t>({static_cast<std::uint16_t>(word)});
      const ByteVector original = v;
      round_mantissas(type, v, bits);
      const double x = to_double(Half{static_cast<std::uint16_t>(word)});
      const auto y = to_double(Half{values_of<std::uint16_t>(v)[0]});
      if (!std::isnormal(x) || std::fabs(x) < 0x1p-14) {
        ASSERT_EQ(v, original);
      } else {
        ASSERT_TRUE(std::isfinite(y));
        ASSERT_LE(std::fabs(x - y), std::ldexp(1.0, std::ilogb(x) - bits - 1));
      }
    }
}

TEST(BitRounding, RelativeBoundsTakeTheFewestBits) {
  EXPECT_EQ(mantissa_bits_for_relative(0x1p-10), 9);
  EXPECT_EQ(mantissa_bits_for_relative(0.5), 0);
  EXPECT_EQ(mantissa_bits_for_relative(3.0), 0);
  EXPECT_EQ(mantissa_bits_for_relative(1e-30), 52);
  std::mt19937_64 random(1);
  for (const double e : {0.22, 1e-2, 0x1p-7, 1e-3, 3e-5}) {
    const int bits = mantissa_bits_for_relative(e);
    double worst = 0;
    double worst_with_one_less = 0;
    for (int i = 0; i < 20000; ++i) {
      const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(0x3f800000 + random() % 0x800000));
      for (const int n : {bits, bits - 1}) {
        ByteVector v = bytes_of<float>({x});
        if (n < 0) continue;
        round_mantissas(DType::parse("f4"), v, n);
        const double error = std::fabs(static_cast<double>(values_of<float>(v)[0]) - x) / x;
        (n == bits ? worst : worst_with_one_less) = std::max(n == bits ? worst : worst_with_one_less, error);
      }
    }
    EXPECT_LE(worst, e);
    if (bits > 0) {
      EXPECT_GT(worst_with_one_less, e);
    }
  }
}

TEST(FloatLattice, ZerosStayZerosAndNothingMissesWhereTheTypeAllows) {
  std::mt19937_64 random(2);
  std::normal_distribution<float> normal(50, 30);
  std::vector<float> x(5000);
  for (float& v : x) v = random() % 3 == 0 ? 0.0F : normal(random);
  const DType type = DType::parse("f4");
  for (const double e : {1e-5, 1e-4, 0.003, 0.1, 7.0, 1e6}) {
    const auto q = quantise_floats(type, bytes_of(x), e);
    ASSERT_TRUE(q);
    EXPECT_EQ(q->misses, 0U) << e;
    const ByteVector back = reconstruct_floats(type, q->lattice, q->words);
    EXPECT_TRUE(find_violations(type, bytes_of(x), back, {BoundKind::Abs, e, 0, ""}, encoder_margin).empty()) << e;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x[i] == 0.0F) {
        ASSERT_EQ(values_of<float>(back)[i], 0.0F);
      }
    // The step uses the bound: hardly a bit a value is given away.
    if (e >= 0.003) {
      EXPECT_GT(q->lattice.step, 1.9 * e);
    }
  }
}

TEST(FloatLattice, TooManyPointsAreRefused) {
  const std::vector<double> x{0.0, 1e300, -1e300};
  EXPECT_FALSE(quantise_floats(DType::parse("f8"), bytes_of(x), 1.0));
  EXPECT_FALSE(quantise_floats(DType::parse("f8"), bytes_of(x), 1e-320));
  // Far from zero but close together: the lattice starts at the least value instead.
  std::vector<double> times(100);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = 1.7e9 + 1e-3 * static_cast<double>(i);
  const auto q = quantise_floats(DType::parse("f8"), bytes_of(times), 1e-6);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->misses, 0U);
}

TEST(IntegerLattice, HoldsTheFullRange) {
  std::mt19937_64 random(3);
  const auto check = [&]<class T>(T) {
    std::vector<T> x{std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), 0, 1};
    for (int i = 0; i < 500; ++i) x.push_back(static_cast<T>(random()));
    DType type{std::is_signed_v<T> ? ScalarKind::Int : ScalarKind::UInt, sizeof(T), false};
    for (const double e : {0.0, 0.9, 1.0, 2.5, 100.0, 1e9, 1e18, 1e19, 1e300}) {
      IntegerLattice lattice;
      const Words q = quantise_integers(type, bytes_of(x), e, lattice);
      const ByteVector back = reconstruct_integers(type, lattice, q);
      EXPECT_TRUE(find_violations(type, bytes_of(x), back, {BoundKind::Abs, e, 0, ""}, 1.0).empty())
          << type.name() << " " << e;
    }
  };
  check(std::int8_t{});
  check(std::uint8_t{});
  check(std::int16_t{});
  check(std::uint16_t{});
  check(std::int32_t{});
  check(std::uint32_t{});
  check(std::int64_t{});
  check(std::uint64_t{});
}

TEST(PackedWords, AnyWordsComeBack) {
  const auto compressor = make_zstd_compressor(3);
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    Words words(random() % 700);
    const unsigned bits = 1 + random() % 64;
    const bool sorted = random() % 2 == 0;
    std::uint64_t sum = random();
    for (std::uint64_t& w : words) {
      w = random() >> (64 - bits);
      if (sorted) w = sum += w;
    }
    ByteWriter out;
    put_words(out, words, *compressor);
    ByteReader in(out.view(), "words");
    ASSERT_EQ(get_words(in, words.size(), *compressor), words);
    in.expect_end();
  }
}

TEST(PackedWords, RisingNumbersBecomeDifferences) {
  Words words(10000);
  std::mt19937_64 random(5);
  for (std::size_t i = 1; i < words.size(); ++i) words[i] = words[i - 1] + random() % 4;
  ByteWriter out;
  put_words(out, words, *make_zstd_compressor(3));
  EXPECT_LT(out.size(), words.size() / 2);
}

TEST(ArrayShape, MergesTheSlowestExtents) {
  ColumnTask task;
  task.rows = 5;
  task.inner_shape = {1, 2, 3, 4, 1, 6};
  EXPECT_EQ(array_extents(task, 4), (std::vector<std::uint64_t>{10, 3, 4, 6}));
  EXPECT_EQ(array_extents(task, 1), (std::vector<std::uint64_t>{720}));
  task.rows = 1;
  task.inner_shape = {1};
  EXPECT_EQ(array_extents(task, 3), (std::vector<std::uint64_t>{1}));
}

class PluginFolders : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "haywatt-plugins-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void touch(const std::filesystem::path& file) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << "";
  }
  std::filesystem::path root_;
};

TEST_F(PluginFolders, FilesAreKnownByAnyOfTheirUsualNames) {
  touch("a/libh5sz3.so");
  touch("a/libh5zstd.so");
  touch("a/libH5Zzfp_plugin.so");
  touch("a/libhdf5blosc.so.1");
  touch("a/README");
  touch("b/libh5sz3.so");
  const auto found = hdf5::find_plugins({root_ / "a", root_ / "b", root_ / "missing"});
  for (const char* name : {"sz3", "zstd", "zfp", "blosc"}) ASSERT_TRUE(found.contains(name)) << name;
  EXPECT_EQ(found.at("sz3").folder, root_ / "a");
  EXPECT_EQ(found.at("sz3").package, "libh5sz3.so");
}

TEST_F(PluginFolders, TheWheelNamesItsVersion) {
  touch("hdf5plugin/plugins/libh5sz3.so");
  touch("hdf5plugin-7.1.0.dist-info/METADATA");
  const auto found = hdf5::find_plugins({root_ / "hdf5plugin/plugins"});
  EXPECT_EQ(found.at("sz3").package, "hdf5plugin 7.1.0");
}

TEST(Hdf5Methods, AMissingPlugInSaysHowToGetIt) {
  EXPECT_NE(missing_hdf5_method("hdf5:sz3").find("pip install hdf5plugin"), std::string::npos);
  EXPECT_TRUE(missing_hdf5_method("hdf5:nonsense").empty());
  EXPECT_TRUE(missing_hdf5_method("zstd").empty());
}

}  // namespace
}  // namespace haywatt
