/// .hayb files whose header is wrong although the checksum is right.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "codec/baler/project/layers.hpp"
#include "codec/baler/project_files.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

class HaybFile : public test::ProjectTest {
 protected:
  void SetUp() override {
    ProjectTest::SetUp();
    write_hayb(path("m.hayb"), import(test::workspace("fpga")), AtomicFile::Existing::Refuse);
    const InputFile file(path("m.hayb"));
    whole_ = file.read_at(0, file.size());
    std::memcpy(&header_bytes_, whole_.data() + 16, sizeof header_bytes_);
  }
  /// What reading these bytes says, their checksum made right; "accepted" if nothing.
  std::string refusal(ByteVector bytes) const {
    const std::uint64_t sum = xxh3(ByteSpan(bytes).first(bytes.size() - 8));
    std::memcpy(bytes.data() + bytes.size() - 8, &sum, sizeof sum);
    std::ofstream(path("s.hayb"), std::ios::binary) << as_text(bytes);
    try {
      static_cast<void>(read_hayb(path("s.hayb")));
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::BadInput);
      return e.what();
    }
    return "accepted";
  }
  /// The file with a piece of its header replaced by one of the same length.
  ByteVector with(const std::string& from, const std::string& to) const {
    ByteVector bytes = whole_;
    const auto at = as_text(bytes).find(from);
    EXPECT_NE(at, std::string_view::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    std::memcpy(bytes.data() + at, to.data(), to.size());
    return bytes;
  }
  static constexpr std::size_t header_begin_ = 32;
  ByteVector whole_;
  std::uint64_t header_bytes_ = 0;
};

TEST_F(HaybFile, WrongContentIsRefused) {
  EXPECT_EQ(refusal(whole_), "accepted");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"in\":[24,1,1]", "\"in\":[24,1,2]"},
           {"\"in\":[24,1,1]", "\"in\":[94,1,1]"},
           {"\"in\":[24,1,1]", "\"in\":[-4,1,1]"},
           {"\"op\":\"relu\"", "\"op\":\"exec\""},
           {"\"float64\"", "\"float16\""},
           {"\"weight\":0", "\"weight\":3"},
           {"\"bias\":1", "\"bias\":x"},
           {"\"batch_size\":512", "\"batch_size\":000"},
           {"\"batch_size\":512", "\"batch_size\":0  "},
           {"\"offset\":0", "\"offset\":9"},
           {"\"type\":\"f8\"", "\"type\":\"i8\""},
           {"\"apply_normalization\":true", "\"apply_normalization\":  -1"},
           {"\"int\"", "\"xyz\""}}) {
    EXPECT_NE(refusal(with(from, to)), "accepted") << to;
  }
}

TEST_F(HaybFile, AnyChangeOfTheHeaderIsReadOrRefused) {
  std::mt19937 random(3);
  constexpr std::string_view likely = "0123456789-.,:[]{}\"efnrtu ";
  for (int round = 0; round < 1000; ++round) {
    ByteVector bytes = whole_;
    for (int changes = 0; changes < 3; ++changes)
      bytes[header_begin_ + random() % header_bytes_] = static_cast<std::byte>(likely[random() % likely.size()]);
    ASSERT_NO_THROW(static_cast<void>(refusal(bytes))) << round;
  }
}

TEST_F(HaybFile, ZerosInTheTensorsAreFineButNotNan) {
  ByteVector bytes = whole_;
  const double nan = std::nan("");
  std::memcpy(bytes.data() + header_begin_ + header_bytes_, &nan, sizeof nan);
  EXPECT_NE(refusal(bytes).find("NaN"), std::string::npos);
}

TEST(Layers, ShapesOfConvolutionsAreTorchs) {
  EXPECT_EQ(conv_layer({1, 5, 5}, 8, {2, 5}, 1, 1).out, (Shape{8, 6, 3}));
  EXPECT_EQ(conv_layer({1, 28, 28}, 20, {5, 5}, 2, 2).out, (Shape{20, 14, 14}));
  EXPECT_EQ(conv_transpose_layer({50, 7, 7}, 20, {5, 5}, 2, 2, 1).out, (Shape{20, 14, 14}));
  EXPECT_EQ(conv_layer({1, 1, 1}, 8, {5, 5}, 1, 0).out.values(), 0U);
}

}  // namespace
}  // namespace haywatt::baler
