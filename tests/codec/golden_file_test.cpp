// Files written before must decode to the same bits on every machine and by every later version
// (tests/golden/hay/make.sh).
#include <gtest/gtest.h>

#include "haywatt/base/bytes.hpp"
#include "haywatt/codec/pipeline.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt {
namespace {

struct Golden {
  const char* file;
  std::uint64_t checksum;  ///< XXH3 of all decoded values, column after column
};

class GoldenFile : public testing::TestWithParam<Golden> {};

TEST_P(GoldenFile, DecodesToTheSameBits) {
  const std::string folder = std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/hay/";
  const auto original = open_table(folder + "table.npz");
  EXPECT_TRUE(verify_file(folder + GetParam().file, original.get(), 1).within_bounds);
  const Chunk chunk = open_hay(folder + GetParam().file)->read(0, 200);
  ByteWriter all;
  for (const ColumnData& column : chunk.columns) all.put_bytes(column.values);
  EXPECT_EQ(xxh3(all.view()), GetParam().checksum) << std::hex << xxh3(all.view());
}

INSTANTIATE_TEST_SUITE_P(All, GoldenFile,
                         testing::Values(Golden{"zstd.hay", 0xe885650cdf1bdf45}, Golden{"lz4.hay", 0x79695ad0798691cc},
                                         Golden{"zfp.hay", 0xc34dbf6265b6fe07},
                                         Golden{"baler.hay", 0xe0a583a9fb423ebc}),
                         [](const auto& p) { return std::string(p.param.file, std::string(p.param.file).find('.')); });

}  // namespace
}  // namespace haywatt
