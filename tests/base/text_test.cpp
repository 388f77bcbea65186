#include "haywatt/base/text.hpp"

#include <gtest/gtest.h>

#include "haywatt/base/bytes.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

TEST(Text, NumbersMustBeWhole) {
  EXPECT_EQ(parse_double("1e-3"), 1e-3);
  EXPECT_FALSE(parse_double("1e-3x"));
  EXPECT_FALSE(parse_double(""));
  EXPECT_FALSE(parse_u64("-1"));
  EXPECT_FALSE(parse_u64("18446744073709551616"));
}

TEST(Text, SizesArePowersOf1024) {
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("4K"), 4096U);
  EXPECT_EQ(parse_size("2GiB"), std::uint64_t{2} << 30);
  EXPECT_FALSE(parse_size("2X"));
  EXPECT_FALSE(parse_size("M"));
  EXPECT_FALSE(parse_size("99999999999T"));
}

TEST(Text, DurationsAreSeconds) {
  EXPECT_EQ(parse_duration_s("5s"), 5.0);
  EXPECT_EQ(parse_duration_s("500ms"), 0.5);
  EXPECT_EQ(parse_duration_s("1m"), 60.0);
  EXPECT_EQ(parse_duration_s("1.5h"), 5400.0);
  EXPECT_EQ(parse_duration_s("2"), 2.0);
  EXPECT_EQ(parse_duration_s("0"), 0.0);
  for (const char* wrong : {"", "s", "-1s", "5 s", "nan", "infs", "5d", "1m30s", "-0"})
    EXPECT_FALSE(parse_duration_s(wrong)) << wrong;
}

TEST(Text, ListsOfCpus) {
  EXPECT_EQ(cpu_list("0"), std::vector<int>({0}));
  EXPECT_EQ(cpu_list("0-2,8"), std::vector<int>({0, 1, 2, 8}));
  for (const char* bad : {"", "x", "3-1", "0-", "-1", "0,,1", "0-99999999999999999999", "9999999"})
    EXPECT_TRUE(cpu_list(bad).empty()) << bad;
}

TEST(Text, SiKeepsThreeDigits) {
  EXPECT_EQ(si(1234567, "B"), "1.23 MB");
  EXPECT_EQ(si(999.7, "B"), "1.00 kB");
  EXPECT_EQ(si(12, "B"), "12 B");
  EXPECT_EQ(si(0.00213, "J"), "2.13 mJ");
  EXPECT_EQ(si(0.9999, "W"), "1.00 W");
  EXPECT_EQ(si(-45600, "J"), "-45.6 kJ");
  EXPECT_EQ(si(0, "B"), "0 B");
}

TEST(Bytes, VarintsRoundTripAndRefuse) {
  for (const std::uint64_t v :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 35, UINT64_MAX}) {
    ByteWriter w;
    w.put_varint(v);
    ByteReader r(w.view(), "test");
    EXPECT_EQ(r.get_varint(), v);
    r.expect_end();
  }
  const ByteVector endless(11, std::byte{0xff});
  ByteReader r(endless, "test");
  EXPECT_THROW((void)r.get_varint(), Error);
  ByteReader shorter(ByteSpan(endless).first(3), "test");
  EXPECT_THROW((void)shorter.get<std::uint64_t>(), Error);
  EXPECT_THROW((void)shorter.get_bytes(UINT64_MAX), Error);
}

}  // namespace
}  // namespace haywatt
