// Streams as they were once written decode to the same bits for ever (docs/format-methods.md).
#include <gtest/gtest.h>

#include "codec/column_samples.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt {
namespace {

using namespace samples;

struct Golden {
  const char* method;
  const char* type;
  ResolvedBound bound;
  const char* stream;      ///< hexadecimal
  std::uint64_t checksum;  ///< XXH3-64 of the decoded values
};

constexpr std::uint64_t rows = 120;

const std::vector<Golden>& golden() {
  static const std::vector<Golden> streams{
#include "codec/golden_streams.inc"
  };
  return streams;
}

ByteVector from_hex(std::string_view text) {
  ByteVector bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return bytes;
}

Sample empty_sample(const char* type) {
  Sample s;
  s.info.dtype = DType::parse(type);
  s.info.rows = s.data.rows = rows;
  return s;
}

TEST(GoldenStreams, DecodeToTheSameBits) {
  ASSERT_FALSE(golden().empty());
  for (const Golden& g : golden()) {
    const ColumnData data = decode(g.method, empty_sample(g.type), g.bound, from_hex(g.stream));
    ASSERT_EQ(data.values.size(), rows * DType::parse(g.type).size);
    EXPECT_EQ(xxh3(data.values), g.checksum) << g.method << " " << g.type << " " << g.bound.requested;
  }
}

}  // namespace
}  // namespace haywatt
