/// Real pickles of Baler's with random changes: read or refused in one line, never anything else. Always the same ones;
/// fuzz/ goes on from here.
#include <gtest/gtest.h>

#include <random>

#include "codec/baler/pickle_harness.hpp"
#include "codec/baler/project_files.hpp"
#include "data/byte_source.hpp"
#include "data/zip_directory.hpp"
#include "haywatt/data/gzip_file.hpp"

namespace haywatt::baler {
namespace {

ByteVector chosen(std::uint8_t choice, ByteSpan bytes) {
  ByteWriter w;
  w.put(choice);
  w.put_bytes(bytes);
  return w.take();
}

std::vector<ByteVector> corpus() {
  std::vector<ByteVector> seeds;
  for (const std::string& model : {test::workspace("fpga/output/compressed_output/model.pt"),
                                   test::golden_baler("classes/dropout_bn/output/compressed_output/model.pt")}) {
    const data::FileRange file(std::make_shared<const InputFile>(model));
    for (const data::ZipMember& m : data::read_zip_directory(file, model))
      if (m.name.ends_with("data.pkl")) seeds.push_back(chosen(0, file.read(m.data_offset, m.packed_bytes)));
  }
  for (const char* part : {"deltas", "batch_index_metadata"}) {
    const ByteVector npy = read_gzip_file(
        test::workspace("cfd/output/compressed_output/compressed_" + std::string(part) + ".npz.gz"), 1 << 24);
    const ByteSpan pickle = ByteSpan(npy).subspan(128, std::min<std::size_t>(npy.size() - 128, 4000));
    seeds.push_back(chosen(2 + 4 * 3, pickle));
    seeds.push_back(chosen(1 + 4 * 32, pickle));
  }
  return seeds;
}

TEST(PickleMutations, AreReadOrRefused) {
  const std::vector<ByteVector> seeds = corpus();
  ASSERT_EQ(seeds.size(), 6U);
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 3000; ++round) {
    ByteVector input = seeds[below(seeds.size())];
    for (std::size_t changes = 1 + below(4); changes > 0 && input.size() > 2; --changes) {
      const std::size_t at = 1 + below(input.size() - 1);
      const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
      switch (below(4)) {
        case 0:
          input[at] = static_cast<std::byte>(random());
          break;
        case 1:
          input[at] ^= static_cast<std::byte>(1U << below(8));
          break;
        case 2:
          input.erase(place, place + static_cast<std::ptrdiff_t>(below(std::min<std::size_t>(input.size() - at, 40))));
          break;
        default: {  // a piece of another place, or of another file
          const ByteSpan from = seeds[below(seeds.size())];
          const std::size_t begin = below(from.size()),
                            size = below(std::min<std::size_t>(from.size() - begin, 60) + 1);
          ByteWriter spliced;
          spliced.put_bytes(ByteSpan(input).first(at));
          spliced.put_bytes(from.subspan(begin, size));
          spliced.put_bytes(ByteSpan(input).subspan(at));
          input = spliced.take();
        }
      }
    }
    ASSERT_NO_THROW(test::read_pickle(input)) << "round " << round;
  }
}

}  // namespace
}  // namespace haywatt::baler
