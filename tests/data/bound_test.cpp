#include "haywatt/data/bound.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

template <class T>
ByteVector bytes_of(const std::vector<T>& values) {
  ByteVector b(values.size() * sizeof(T));
  std::memcpy(b.data(), values.data(), b.size());
  return b;
}

template <class T>
bool within(DType type, T x, T y, const ResolvedBound& bound, double margin = 1.0) {
  return find_violations(type, bytes_of<T>({x}), bytes_of<T>({y}), bound, margin).empty();
}

const DType f2{ScalarKind::Float, 2}, f4{ScalarKind::Float, 4}, f8{ScalarKind::Float, 8}, i8{ScalarKind::Int, 8},
    u8{ScalarKind::UInt, 8};

TEST(Bound, ParsesAndRefuses) {
  EXPECT_EQ(parse_bound("abs:0.5").value, 0.5);
  EXPECT_EQ(parse_bound("rel:2^-10").value, 0x1p-10);
  EXPECT_EQ(parse_bound("bits:12").value, 12);
  EXPECT_EQ(parse_bound("lossless").kind, BoundKind::Lossless);
  for (const char* bad : {"", "abs", "abs:", "abs:-1", "abs:nan", "abs:inf", "rel:2^x", "bits:53", "bits:1.5",
                          "lossless:1", "foo:1", "abs:1x"})
    EXPECT_THROW((void)parse_bound(bad), Error) << bad;
  EXPECT_EQ(parse_bound_rule("pt*=abs:1").glob, "pt*");
  EXPECT_EQ(parse_bound_rule("a=b=abs:1").glob, "a=b");
  EXPECT_EQ(parse_bound_rule("range:1e-3").glob, "*");
  EXPECT_THROW((void)parse_bound_rule("=abs:1"), Error);
}

class Resolve : public testing::Test {
 protected:
  Resolve() {
    for (const char* name : {"pt", "n", "flag", "flat"}) {
      ColumnInfo c;
      c.name = name;
      c.dtype = f4;
      c.rows = 10;
      schema.columns.push_back(c);
    }
    schema.columns[2].dtype = DType{ScalarKind::Bool, 1};
    statistics.resize(4);
    statistics[0] = {10, 10, -1.0, 3.0, false};
    statistics[1] = {10, 10, 0.0, 7.0, true};
    statistics[2] = {10, 10, 0.0, 1.0, true};
    statistics[3] = {10, 10, 2.5, 2.5, false};
  }
  std::vector<ResolvedBound> resolve(const std::vector<std::string>& texts) {
    std::vector<BoundRule> rules;
    for (const auto& t : texts) rules.push_back(parse_bound_rule(t));
    return resolve_bounds(rules, schema, statistics);
  }
  Schema schema;
  std::vector<ColumnStatistics> statistics;
};

TEST_F(Resolve, RangeBecomesAbsAndWholeNumbersStayExact) {
  const auto r = resolve({"range:1e-3"});
  EXPECT_EQ(r[0].kind, BoundKind::Abs);
  EXPECT_DOUBLE_EQ(r[0].epsilon, 4e-3);
  EXPECT_EQ(r[1].kind, BoundKind::Lossless);
  EXPECT_EQ(r[2].kind, BoundKind::Lossless);
  EXPECT_EQ(r[3].kind, BoundKind::Lossless) << "a range of zero";
}

TEST_F(Resolve, ANameWithoutWildcardOverridesWholeNumbersAndTheLastMatchCounts) {
  EXPECT_EQ(resolve({"abs:1", "n=abs:0.5"})[1].epsilon, 0.5);
  EXPECT_EQ(resolve({"n=abs:0.5", "abs:1"})[1].kind, BoundKind::Lossless);
  EXPECT_EQ(resolve({"abs:1", "p*=abs:2"})[0].epsilon, 2);
  EXPECT_EQ(resolve({"abs:1", "flag=abs:2"})[2].kind, BoundKind::Lossless) << "bool has no error";
  EXPECT_EQ(resolve({"pt=abs:0"})[0].kind, BoundKind::Lossless);
  EXPECT_THROW((void)resolve({"nothing=abs:1"}), Error);
}

TEST(Judge, AbsoluteDifferencesAreExact) {
  const ResolvedBound b{BoundKind::Abs, 0.1, 0, ""};
  EXPECT_TRUE(within<double>(f8, 0.0, 0.1, b));
  EXPECT_FALSE(within<double>(f8, 0.0, std::nextafter(0.1, 1.0), b));
  // 1e16 + 2 differs from 1 by more than 1e16, though the rounded difference is exactly 1e16 + 1 -> 1e16.
  const ResolvedBound big{BoundKind::Abs, 1e16, 0, ""};
  EXPECT_FALSE(within<double>(f8, 1e16, -1.0, big));
  EXPECT_TRUE(within<double>(f8, 1e16, 1.0, big));
  EXPECT_TRUE(within<float>(f4, 1.0F, 1.05F, b));
  EXPECT_FALSE(within<float>(f4, 1.0F, 1.2F, b));
  EXPECT_FALSE(within<double>(f8, 0.0, 0.1, b, encoder_margin)) << "encoders aim below the bound";
}

TEST(Judge, IntegersOfFullRange) {
  const ResolvedBound b{BoundKind::Abs, 2, 0, ""};
  EXPECT_TRUE(within<std::int64_t>(i8, INT64_MAX, INT64_MAX - 2, b));
  EXPECT_FALSE(within<std::int64_t>(i8, INT64_MAX, INT64_MIN, b));
  EXPECT_FALSE(within<std::uint64_t>(u8, UINT64_MAX, 1, b));
  EXPECT_FALSE(within<std::uint64_t>(u8, 5, 2, b));
}

TEST(Judge, SpecialValuesMustSurviveBitForBit) {
  const ResolvedBound b{BoundKind::Abs, 1e300, 0, ""};
  const double nan = std::nan("");
  const double payload = std::bit_cast<double>(std::bit_cast<std::uint64_t>(nan) | 5U);
  EXPECT_TRUE(within(f8, payload, payload, b));
  EXPECT_FALSE(within(f8, payload, nan, b));
  EXPECT_FALSE(within<double>(f8, INFINITY, 1.0, b));
  EXPECT_FALSE(within(f8, 1.0, double{INFINITY}, b));
  EXPECT_FALSE(within(f8, -0.0, 0.0, b));
  EXPECT_FALSE(within(f8, 5e-324, 0.0, b));
  EXPECT_TRUE(within(f8, 0.0, -0.0, b));
  EXPECT_FALSE(within<std::uint16_t>(f2, 0x0001, 0x0000, b)) << "denormal half";
  EXPECT_FALSE(within<std::uint16_t>(f2, 0x7e01, 0x7e00, b)) << "NaN half";
}

TEST(Judge, RelativeAndBits) {
  const ResolvedBound rel{BoundKind::Rel, 0x1p-4, 0, ""};
  EXPECT_TRUE(within(f8, -16.0, -17.0, rel));
  EXPECT_FALSE(within(f8, -16.0, -17.01, rel));
  EXPECT_FALSE(within(f8, 0.0, 1e-300, rel));
  const ResolvedBound bits{BoundKind::Bits, 0, 3, ""};  // half a unit of 2^-3 relative to the binade: 1/16
  EXPECT_TRUE(within(f8, 1.0, 1.0625, bits));
  EXPECT_FALSE(within(f8, 1.0, 1.07, bits));
  EXPECT_TRUE(within(f8, 1.99, 1.99 - 0.06, bits));
}

TEST(Statistics, WholeNumbersFiniteRangeAndErrors) {
  ColumnData data;
  data.values = bytes_of<float>({1.0F, -3.0F, 8.0F});
  ColumnStatistics s;
  accumulate(s, f4, data);
  EXPECT_TRUE(s.whole_numbers);
  EXPECT_EQ(s.minimum, -3.0);
  EXPECT_EQ(s.maximum, 8.0);
  data.values = bytes_of<float>({NAN, INFINITY, 0.5F});
  accumulate(s, f4, data);
  EXPECT_FALSE(s.whole_numbers);
  EXPECT_EQ(s.finite, 4U);
  EXPECT_EQ(s.maximum, 8.0);

  ErrorStatistics e;
  accumulate_errors(e, f4, bytes_of<float>({1.0F, 2.0F, NAN, 0.0F}), bytes_of<float>({1.5F, 2.0F, NAN, 0.25F}));
  EXPECT_EQ(e.values, 4U);
  EXPECT_EQ(e.exact, 2U);
  EXPECT_EQ(e.not_finite, 1U);
  EXPECT_EQ(e.max_abs, 0.5);
  EXPECT_EQ(e.max_rel, 0.5);
}

}  // namespace
}  // namespace haywatt
