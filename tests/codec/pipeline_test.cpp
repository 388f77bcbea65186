// Whole files: any table, any method, any bound comes back within its bound; damage is found; nothing half-written
// stays.
#include "haywatt/codec/pipeline.hpp"

#include <gtest/gtest.h>

#include <random>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/hay_file.hpp"
#include "support/memory_table.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt {
namespace {

CompressOptions options_for(const std::string& method, const std::vector<std::string>& bounds,
                            std::uint64_t chunk_rows) {
  CompressOptions o;
  o.method = MethodSpec::parse(method);
  for (const auto& b : bounds) o.bounds.push_back(parse_bound_rule(b));
  o.chunk_rows = chunk_rows;
  o.threads = 2;
  o.existing = AtomicFile::Existing::Replace;
  return o;
}

struct Case {
  const char* method;
  const char* bound;
};

class RoundTrip : public testing::TestWithParam<Case> {};

TEST_P(RoundTrip, AnyTableComesBackWithinItsBound) {
  const auto [method, bound] = GetParam();
  if (!find_method(MethodSpec::parse(method).name).unavailable_reason().empty()) GTEST_SKIP();
  const test::TemporaryFolder folder;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 rng(seed);
    const test::MemoryTable table = test::random_table(rng, 300, true);
    const std::string path = folder / "t.hay";
    compress_table(table, path, options_for(method, {bound}, 1 + rng() % 200));
    const VerifyOutcome v = verify_file(path, &table, 2);
    EXPECT_TRUE(v.within_bounds) << "seed " << seed;
    for (const ColumnOutcome& c : v.columns) {
      if (c.bound.kind == BoundKind::Lossless) {
        EXPECT_EQ(c.error.exact, c.error.values) << "seed " << seed << " column " << c.name;
      }
      if (c.bound.kind == BoundKind::Abs) {
        EXPECT_LE(c.error.max_abs, c.bound.epsilon) << "seed " << seed;
      }
    }
    // The same through the reader interface, in steps that do not match the chunks.
    const auto reader = open_hay(path);
    for (std::uint64_t row = 0; row < table.schema().rows(); row += 77) {
      const Chunk a = table.read(row, 77);
      const Chunk b = reader->read(row, 77);
      ASSERT_EQ(a.rows, b.rows);
      for (std::size_t c = 0; c < a.columns.size(); ++c) {
        EXPECT_EQ(a.columns[c].rows, b.columns[c].rows);
        EXPECT_EQ(a.columns[c].offsets, b.columns[c].offsets);
        EXPECT_EQ(a.columns[c].values.size(), b.columns[c].values.size());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, RoundTrip,
                         testing::Values(Case{"zstd", "lossless"}, Case{"zstd", "abs:0.01"}, Case{"zstd", "range:1e-3"},
                                         Case{"zstd", "rel:2^-8"}, Case{"zstd", "bits:5"}, Case{"zstd", "c0=abs:2"},
                                         Case{"lz4", "lossless"}, Case{"lz4", "range:1e-4"}, Case{"zfp", "lossless"},
                                         Case{"zfp", "range:1e-3"}, Case{"zfp", "abs:1"}));

TEST(Pipeline, TheFileDoesNotDependOnThreads) {
  const test::TemporaryFolder folder;
  std::mt19937_64 rng(7);
  test::MemoryTable table;
  ColumnInfo info;
  info.name = "x";
  info.rows = 5000;
  table.add(info, {5000, test::random_values(rng, info.dtype, 5000), {}});
  auto o = options_for("zstd", {"range:1e-3"}, 100);
  o.threads = 1;
  compress_table(table, folder / "1.hay", o);
  o.threads = 4;
  compress_table(table, folder / "4.hay", o);
  EXPECT_EQ(read_text_file(folder / "1.hay"), read_text_file(folder / "4.hay"));
}

TEST(Pipeline, APartReadsOnlyItsOwnStreams) {
  const test::TemporaryFolder folder;
  std::mt19937_64 rng(8);
  test::MemoryTable table;
  for (const char* name : {"a", "b"}) {
    ColumnInfo info;
    info.name = name;
    info.rows = 300;
    table.add(info, {300, test::random_values(rng, info.dtype, 300), {}});
  }
  compress_table(table, folder / "t.hay", options_for("zstd", {}, 100));
  // Every stream is damaged but that of column b in chunk 1.
  const HayReader file(folder / "t.hay");
  std::string bytes = read_text_file(folder / "t.hay");
  for (std::uint64_t k = 0; k < 3; ++k)
    for (std::size_t c = 0; c < 2; ++c)
      if (k != 1 || c != 1) bytes[file.places(k).columns[c].offset] ^= 1;
  write_text_file(folder / "d.hay", bytes);

  DecompressOptions part;
  part.columns = "b";
  part.first_row = 110;
  part.last_row = 190;
  decompress_table(folder / "d.hay", folder / "b.npz", part);
  EXPECT_EQ(open_table(folder / "b.npz")->read(0, 80).columns[0].values, table.read(110, 80).columns[1].values);
  part.last_row = 210;
  part.existing = AtomicFile::Existing::Replace;
  EXPECT_THROW(decompress_table(folder / "d.hay", folder / "b.npz", part), Error);
}

TEST(Pipeline, AnotherTableIsToldApart) {
  const test::TemporaryFolder folder;
  test::MemoryTable a;
  a.add_flat<double>("x", {}, {1, 2, 3});
  test::MemoryTable b;
  b.add_flat<double>("x", {}, {1, 2, 3.5});
  test::MemoryTable c;
  c.add_flat<double>("y", {}, {1, 2, 3});
  compress_table(a, folder / "a.hay", options_for("zstd", {}, 2));
  EXPECT_TRUE(verify_file(folder / "a.hay", &a, 1).within_bounds);
  EXPECT_FALSE(verify_file(folder / "a.hay", &b, 1).within_bounds);
  EXPECT_THROW(verify_file(folder / "a.hay", &c, 1), Error);
}

TEST(Pipeline, MissingPromisesAreUsageErrors) {
  const test::TemporaryFolder folder;
  test::MemoryTable a;
  a.add_flat<double>("x", {}, {1, 2, 3.5});
  for (const auto& [method, bound] : {std::pair{"zstd", "none"},
                                      {"nothing", "lossless"},
                                      {"zstd", "y=abs:1"},
                                      {"zstd:level=99", "lossless"},
                                      {"zstd:foo=1", "lossless"}}) {
    try {
      compress_table(a, folder / "a.hay", options_for(method, {bound}, 0));
      ADD_FAILURE() << method << " " << bound;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::Usage) << e.what();
    }
  }
  EXPECT_TRUE(folder.entries().empty());
}

// Damage: flips, cuts, insertions, and splices of two good files. Whatever is done to a file, reading it gives an error
// of the right kind or exactly the values that were written.
class Damage : public testing::TestWithParam<Case> {};

TEST_P(Damage, IsFoundAndNeverDecodedIntoWrongNumbers) {
  const auto [method, bound] = GetParam();
  const test::TemporaryFolder folder;
  std::mt19937_64 rng(99);
  const test::MemoryTable table = test::random_table(rng, 400, true);
  test::MemoryTable other = test::random_table(rng, 400, true);
  const std::string path = folder / "t.hay";
  compress_table(table, path, options_for(method, {bound}, 50));
  compress_table(other, folder / "o.hay", options_for(method, {bound}, 50));
  const std::string good = read_text_file(path);
  const std::string donor = read_text_file(folder / "o.hay");
  const Chunk want = open_hay(path)->read(0, 400);

  int found = 0;
  for (int seed = 0; seed < 300; ++seed) {
    std::string bad = good;
    switch (seed % 5) {
      case 0:
        bad[rng() % bad.size()] ^= static_cast<char>(1U << (rng() % 8));
        break;
      case 1:
        bad.resize(rng() % bad.size());
        break;
      case 2:
        bad.insert(rng() % bad.size(), 1 + rng() % 20, static_cast<char>(rng()));
        break;
      case 3:
        bad.erase(rng() % bad.size(), 1 + rng() % 20);
        break;
      default: {
        const std::size_t at =
            40 + rng() % (std::min(bad.size(), donor.size()) - 40);  // beyond what any two files share
        bad = bad.substr(0, at) + donor.substr(at);
      }
    }
    write_text_file(path, bad);
    try {
      const auto reader = open_hay(path);
      const Chunk got = reader->read(0, 400);
      ASSERT_EQ(got.columns.size(), want.columns.size()) << "seed " << seed;
      for (std::size_t c = 0; c < want.columns.size(); ++c)
        ASSERT_EQ(got.columns[c].values, want.columns[c].values) << "seed " << seed;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::BadInput) << e.what();
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      ++found;
    }
  }
  EXPECT_EQ(found, 300) << "every one of these changes is damage";
}

INSTANTIATE_TEST_SUITE_P(Methods, Damage,
                         testing::Values(Case{"zstd", "range:1e-3"}, Case{"lz4", "lossless"},
                                         Case{"zfp", "range:1e-3"}));

}  // namespace
}  // namespace haywatt
