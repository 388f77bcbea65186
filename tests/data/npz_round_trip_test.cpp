/// What goes in comes out: random tables through .npz and .npy.
#include <gtest/gtest.h>
#include <zip.h>

#include "table_helpers.hpp"

namespace haywatt::test {
namespace {

TEST(NpzRoundTrip, RandomTablesComeBackIdentical) {
  const TemporaryFolder folder;
  const std::string path = folder / "t.npz";
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const RandomTable t = random_arrays(random);
    write_table(path, t.schema, t.rows, 1 + random() % 90);
    const auto reader = open_table(path);
    expect_same_schema(reader->schema(), t.schema);
    expect_same_rows(reader->read(0, UINT64_MAX), t.rows);
    const std::uint64_t first = random() % 250, count = random() % 250;
    expect_same_rows(reader->read(first, count), slice(t.schema, t.rows, first, count));
    if (HasFailure()) return;
  }
}

TEST(NpzRoundTrip, EveryDtypeAndOrderThroughNpy) {
  const TemporaryFolder folder;
  const std::string path = folder / "t.npy";
  std::mt19937_64 random(1);
  for (const DType& type : all_dtypes()) {
    for (const bool fortran : {false, true}) {
      Schema s;
      s.format = "npy";
      const std::string descr = (type.size == 1 ? '|' : type.big_endian ? '>' : '<') + type.name();
      s.arrays.push_back({"", ArrayRole::Field, descr, {70, 3, 4}, fortran, {}});
      ColumnInfo c;
      c.name = "data";
      c.dtype = type;
      c.layout = Layout::FixedShape;
      c.rows = 70;
      c.inner_shape = {3, 4};
      s.columns.push_back(c);
      Chunk all;
      all.rows = 70;
      all.columns.resize(1);
      all.columns[0].rows = 70;
      all.columns[0].values.resize(std::size_t{70} * 12 * type.size);
      for (std::byte& b : all.columns[0].values) b = static_cast<std::byte>(random());
      write_table(path, s, all, 32);
      const auto reader = open_table(path);
      expect_same_schema(reader->schema(), s);
      expect_same_rows(reader->read(0, 70), all);
    }
  }
}

TEST(NpzRoundTrip, LibzipFindsNothingWrong) {
  const TemporaryFolder folder;
  const std::string path = folder / "t.npz";
  std::mt19937_64 random(7);
  for (int i = 0; i < 20; ++i) {
    const RandomTable t = random_arrays(random);
    if (t.schema.arrays.empty()) continue;
    write_table(path, t.schema, t.rows, 64);
    int code = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
    ASSERT_NE(archive, nullptr) << code;
    ASSERT_EQ(zip_get_num_entries(archive, 0), static_cast<zip_int64_t>(t.schema.arrays.size()));
    for (zip_uint64_t m = 0; m < t.schema.arrays.size(); ++m) {
      zip_file_t* member = zip_fopen_index(archive, m, 0);
      ASSERT_NE(member, nullptr);
      std::vector<char> block(65536);
      zip_int64_t n = 0;
      while ((n = zip_fread(member, block.data(), block.size())) > 0) {
      }
      EXPECT_EQ(n, 0) << "libzip checks the CRC at the end";
      EXPECT_EQ(zip_fclose(member), 0);
    }
    zip_discard(archive);
  }
}

TEST(NpzRoundTrip, NothingAppearsBeforeFinish) {
  const TemporaryFolder folder;
  std::mt19937_64 random(3);
  RandomTable t = random_arrays(random);
  while (t.rows.rows == 0) t = random_arrays(random);
  {
    const auto writer = create_table(folder / "t.npz", t.schema, AtomicFile::Existing::Refuse);
    const Thrown early = thrown_by([&] { writer->finish(); });
    EXPECT_EQ(early.exit_code, 3) << early.message;
  }
  EXPECT_TRUE(folder.entries().empty());
}

TEST(NpzWriter, RefusesWhatItCannotWrite) {
  const TemporaryFolder folder;
  Schema s;
  s.format = "npz";
  ColumnInfo c;
  c.name = "a";
  c.layout = Layout::Jagged;
  s.arrays.push_back({"a", ArrayRole::Column, "<f8", {0}, false, {}});
  s.columns.push_back(c);
  Thrown t = thrown_by([&] { return create_table(folder / "t.npz", s, AtomicFile::Existing::Replace); });
  EXPECT_EQ(t.exit_code, 2);
  EXPECT_NE(t.message.find("jagged"), std::string::npos) << t.message;
  s.columns[0].layout = Layout::Flat;
  s.arrays.push_back(s.arrays[0]);
  s.columns.push_back(s.columns[0]);
  s.columns[1].source_array = 1;
  t = thrown_by([&] { return create_table(folder / "t.npz", s, AtomicFile::Existing::Replace); });
  EXPECT_EQ(t.exit_code, 2) << "two arrays of one name";
  t = thrown_by([&] { return create_table(folder / "t.npy", s, AtomicFile::Existing::Replace); });
  EXPECT_EQ(t.exit_code, 2) << "two arrays in a npy";
  t = thrown_by([&] { return create_table(folder / "t.xyz", s, AtomicFile::Existing::Replace); });
  EXPECT_EQ(t.exit_code, 2);
  EXPECT_TRUE(folder.entries().empty());
}

}  // namespace
}  // namespace haywatt::test
