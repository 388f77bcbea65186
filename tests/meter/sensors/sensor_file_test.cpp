#include "meter/sensors/sensor_file.hpp"

#include <sys/stat.h>

#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::SensorTree;

TEST(SensorFile, Numbers) {
  const SensorTree tree;
  struct Case {
    const char* text;
    std::optional<std::uint64_t> number, magnitude;
  };
  for (const Case& c : {Case{"123\n", 123, 123}, Case{"  7", 7, 7}, Case{"123 J 99 us\n", 123, 123},
                        Case{"00012", 12, 12}, Case{"-5\n", {}, 5}, Case{"", {}, {}}, Case{"\n", {}, {}},
                        Case{"x1", {}, {}}, Case{"-", {}, {}}, Case{"18446744073709551615", UINT64_MAX, UINT64_MAX},
                        Case{"18446744073709551616", {}, {}}, Case{"0x10", 0, 0}}) {
    tree.write("f", c.text);
    SensorFile file(tree.at("f"));
    EXPECT_EQ(file.number(), c.number) << c.text;
    EXPECT_EQ(file.problem().empty(), c.number.has_value()) << c.text;
    EXPECT_EQ(file.magnitude(), c.magnitude) << c.text;
  }
}

TEST(SensorFile, ReadsAgainFromTheStart) {
  const SensorTree tree;
  tree.write("f", 1U);
  SensorFile file(tree.at("f"));
  EXPECT_EQ(file.number(), 1U);
  tree.write("f", 22U);
  SensorFile moved = std::move(file);
  EXPECT_EQ(moved.number(), 22U);
}

TEST(SensorFile, SaysWhatIsWrong) {
  const SensorTree tree;
  SensorFile missing(tree.at("gone/energy_uj"));
  EXPECT_FALSE(missing.opened());
  EXPECT_EQ(missing.number(), std::nullopt);
  EXPECT_EQ(missing.problem(), "cannot read energy_uj: No such file or directory");
  tree.write("text", "none\n");
  SensorFile text(tree.at("text"));
  EXPECT_EQ(text.number(), std::nullopt);
  EXPECT_EQ(text.problem(), "text holds no number");
}

/// Whatever lies in place of a file: no wait, no more memory than a few kilobytes.
TEST(SensorFile, ThingsThatAreNoFiles) {
  const SensorTree tree;
  ASSERT_EQ(mkfifo(tree.at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(first_word(tree.at("pipe")), "");
  SensorFile pipe(tree.at("pipe"));
  EXPECT_EQ(pipe.number(), std::nullopt);
  EXPECT_EQ(first_line(tree.root()), "");
  tree.write("long", std::string(1'000'000, 'a'));
  EXPECT_EQ(first_word(tree.at("long")).size(), 4096U);
  tree.write("words", "  one two\nthree\n");
  EXPECT_EQ(first_word(tree.at("words")), "one");
  EXPECT_EQ(first_line(tree.at("words")), "  one two");
}

}  // namespace
}  // namespace haywatt::meter
