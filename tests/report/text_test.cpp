#include "report/text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "report/fixture.hpp"

namespace haywatt::report {
namespace {

TEST(Digits, ThreeSignificant) {
  EXPECT_EQ(digits(0.0), "0");
  EXPECT_EQ(digits(1.0), "1.00");
  EXPECT_EQ(digits(0.00123456), "0.00123");
  EXPECT_EQ(digits(12.345), "12.3");
  EXPECT_EQ(digits(123.456), "123");
  EXPECT_EQ(digits(1234.5), "1,230");
  EXPECT_EQ(digits(-45678.0), "−45,700");
  EXPECT_EQ(digits(1.234e8), "1.23×10⁸");
  EXPECT_EQ(digits(-2.5e-5), "−2.50×10⁻⁵");
}

TEST(Digits, RoundingCarriesIntoTheNextDecade) {
  EXPECT_EQ(digits(9.996), "10.0");
  EXPECT_EQ(digits(999.6), "1,000");
  EXPECT_EQ(digits(999'600.0), "1.00×10⁶");
  EXPECT_EQ(digits(0.0009996), "0.00100");
}

TEST(Digits, NotFinite) {
  EXPECT_EQ(digits(std::numeric_limits<double>::infinity()), "∞");
  EXPECT_EQ(digits(-std::numeric_limits<double>::infinity()), "−∞");
  EXPECT_EQ(digits(std::nan("")), "–");
}

TEST(Quantity, PrefixAndUnit) {
  EXPECT_EQ(quantity(1234.0, "J/GB"), "1.23 kJ/GB");
  EXPECT_EQ(quantity(0.00005, "s"), "50.0 µs");
  EXPECT_EQ(quantity(999.7, "J"), "1.00 kJ");
  EXPECT_EQ(quantity(2.5, "1"), "2.50");
  EXPECT_EQ(quantity(1234.0, "B/row"), "1,230 B/row");  // no kilobytes a row
  EXPECT_EQ(quantity(0.5, "B"), "0.500 B");             // there is no millibyte
}

TEST(Quantity, IntervalSharesThePrefixOfTheValue) {
  Figure f = Figure::exact(1200.0, "J");
  EXPECT_EQ(with_interval(f), "1.20 kJ");
  f.low = 900.0;
  f.high = 1500.0;
  EXPECT_EQ(with_interval(f), "1.20 kJ (0.900 to 1.50)");
  EXPECT_EQ(narrow_interval(f), "0.900–1.50");
}

TEST(Quantity, FarFromOneAnIntervalSharesAPowerOfTen) {
  Figure f = Figure::exact(2.41e-4, "1");
  f.low = 2.29e-4;
  f.high = 2.54e-4;
  EXPECT_EQ(narrow_interval(f), "(2.29–2.54)·10⁻⁴");
}

TEST(Count, Thousands) {
  EXPECT_EQ(count(7), "7");
  EXPECT_EQ(count(999), "999");
  EXPECT_EQ(count(30'000), "30,000");
  EXPECT_EQ(count(1'234'567), "1,234,567");
}

TEST(Words, Lists) {
  EXPECT_EQ(join_words({}), "");
  EXPECT_EQ(join_words({"a"}), "a");
  EXPECT_EQ(join_words({"a", "b"}), "a and b");
  EXPECT_EQ(join_words({"a", "b", "c"}), "a, b and c");
}

TEST(Words, Payback) {
  metrics::Payback p;
  p.kind = metrics::PaybackKind::Never;
  p.explanation = "why";
  EXPECT_EQ(payback_text(p), "never (why)");
  p.kind = metrics::PaybackKind::After;
  p.explanation.clear();
  p.years = Figure::exact(2.0, "year");
  EXPECT_EQ(payback_text(p), "2 years");
  p.years.low = 1.0;
  p.years.high = std::numeric_limits<double>::infinity();
  EXPECT_EQ(payback_text(p), "2 years (1 year to never)");
  p.years = Figure::exact(0.01, "year");
  EXPECT_EQ(payback_text(p), "3.7 days");
}

TEST(Escape, Html) {
  const std::string html = escape_html(test::hostile_text);
  EXPECT_EQ(html.find_first_of("<>\"'\x01"), std::string::npos);
  EXPECT_EQ(escape_html("a & b"), "a &amp; b");
  EXPECT_EQ(escape_html("ünïcode ≤"), "ünïcode ≤");
}

TEST(Escape, MethodNameMayBreakButIsEscaped) {
  EXPECT_EQ(method_html("hdf5:a-b"), "hdf5:<wbr>a-<wbr>b");
  EXPECT_EQ(method_html("x:<b>"), "x:<wbr>&lt;b&gt;");
  EXPECT_EQ(method_html(""), "");
}

TEST(Escape, ScriptJsonRoundTripsAndNeverClosesTheElement) {
  nlohmann::json j;
  j["</script>"] = "<!-- & -->";
  j["bytes"] = std::string("\xff\xfe");
  const std::string text = script_json(j);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  const auto back = nlohmann::json::parse(text);
  EXPECT_EQ(back["</script>"], "<!-- & -->");
}

TEST(Escape, EveryByteIsHarmless) {
  for (int c = 0; c < 256; ++c) {
    const std::string text(3, static_cast<char>(c));
    const std::string html = escape_html(text);
    EXPECT_EQ(html.find_first_of("<>\"'"), std::string::npos) << c;
    const std::string json = script_json(nlohmann::json{{"k", text}});
    EXPECT_EQ(json.find_first_of("<>&"), std::string::npos) << c;
    EXPECT_TRUE(nlohmann::json::accept(json)) << c;
    const std::string cell = escape_markdown(text);
    EXPECT_EQ(cell.find('\n'), std::string::npos) << c;
    for (std::size_t at = cell.find('|'); at != std::string::npos; at = cell.find('|', at + 1))
      EXPECT_TRUE(at > 0 && cell[at - 1] == '\\') << c;
  }
}

}  // namespace
}  // namespace haywatt::report
