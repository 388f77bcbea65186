/// Files that numpy itself wrote (tests/golden/npz/make.py), and files that numpy itself reads.
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

#include "data/zip_directory.hpp"
#include "haywatt_test_paths.hpp"
#include "table_helpers.hpp"

namespace haywatt::test {
namespace {

std::string golden(const std::string& name) { return std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/npz/" + name; }

template <class T>
std::vector<T> values(const ColumnData& c) {
  std::vector<T> v(c.values.size() / sizeof(T));
  std::memcpy(v.data(), c.values.data(), c.values.size());
  return v;
}

class GoldenTable : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenTable, HasItsNamesAndValues) {
  const auto reader = open_table(golden(GetParam()));
  const Schema& s = reader->schema();
  ASSERT_EQ(s.columns.size(), 3U);
  EXPECT_EQ(s.columns[0].name, "pt");
  EXPECT_EQ(s.columns[2].name, "φ");
  EXPECT_EQ(s.arrays[0].key, "data");
  EXPECT_EQ(s.arrays[0].role, ArrayRole::Table);
  EXPECT_EQ(s.arrays[1].role, ArrayRole::Names);
  EXPECT_EQ(s.arrays[1].descr, "<U3");
  const Chunk rows = reader->read(1, 2);
  EXPECT_EQ(values<float>(rows.columns[0]), (std::vector<float>{0.75F, 1.5F}));
  EXPECT_EQ(values<float>(rows.columns[2]), (std::vector<float>{1.25F, 2.0F}));
}

INSTANTIATE_TEST_SUITE_P(Npz, GoldenTable, ::testing::Values("table.npz", "table_deflated.npz", "table_fortran.npz"));

TEST(Golden, EveryTypeInEitherByteOrder) {
  const auto reader = open_table(golden("columns.npz"));
  const Schema& s = reader->schema();
  ASSERT_EQ(s.columns.size(), 21U);
  const Chunk all = reader->read(0, UINT64_MAX);
  for (std::size_t i = 0; i < s.columns.size(); ++i) {
    const ColumnInfo& c = s.columns[i];
    const bool big = c.name.starts_with("be_");
    EXPECT_EQ(c.dtype.name(), big ? c.name.substr(3) : c.name);
    EXPECT_EQ(c.dtype.big_endian, big);
    // Item k of each column is the number k.
    for (std::uint64_t k = 0; k < c.rows; ++k) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, all.columns[i].values.data() + k * c.dtype.size, c.dtype.size);
      if (c.dtype.name() == "f8") {
        EXPECT_EQ(std::bit_cast<double>(bits), static_cast<double>(k));
      } else if (c.dtype.name() == "f4") {
        EXPECT_EQ(std::bit_cast<float>(static_cast<std::uint32_t>(bits)), static_cast<float>(k));
      } else if (!c.dtype.is_float()) {
        EXPECT_EQ(bits, k) << c.name;
      } else if (k == 2) {
        EXPECT_EQ(bits, 0x4000U) << "binary16 of 2";
      }
    }
  }
  for (std::size_t i = s.arrays.size() - 3; i < s.arrays.size(); ++i)
    EXPECT_EQ(s.arrays[i].role, ArrayRole::Carried) << s.arrays[i].key;
}

TEST(Golden, FieldsInEitherOrder) {
  for (const char* name : {"field.npy", "field_fortran.npy"}) {
    const auto reader = open_table(golden(name));
    const ColumnInfo& c = reader->schema().columns.at(0);
    EXPECT_EQ(c.name, "data");
    EXPECT_EQ(c.inner_shape, (std::vector<std::uint64_t>{3, 4}));
    const auto v = values<std::int16_t>(reader->read(1, 1).columns[0]);
    ASSERT_EQ(v.size(), 12U);
    for (std::size_t i = 0; i < v.size(); ++i) EXPECT_EQ(v[i], static_cast<std::int16_t>(12 + i)) << name;
  }
  for (const char* name : {"version2.npy", "version3.npy"})
    EXPECT_EQ(values<std::uint32_t>(open_table(golden(name))->read(0, 9).columns.at(0)),
              (std::vector<std::uint32_t>{0, 1, 2}));
}

/// Every member as it stands in the archive. The records around them differ between versions of Python's zipfile.
std::vector<std::pair<std::string, ByteVector>> members(const std::string& path) {
  const data::FileRange archive(std::make_shared<const InputFile>(path));
  std::vector<std::pair<std::string, ByteVector>> all;
  for (const data::ZipMember& m : data::read_zip_directory(archive, path))
    all.emplace_back(m.name, archive.read(m.data_offset, m.packed_bytes));
  return all;
}

TEST(Golden, ArraysComeBackByteForByte) {
  const TemporaryFolder folder;
  for (const std::string name : {"table.npz", "table_fortran.npz", "columns.npz", "field.npy", "field_fortran.npy"}) {
    const auto reader = open_table(golden(name));
    write_table(folder / name, reader->schema(), reader->read(0, UINT64_MAX), 2);
    if (name.ends_with(".npz")) {
      EXPECT_EQ(members(folder / name), members(golden(name))) << name;
    } else {
      EXPECT_EQ(read_bytes(folder / name), read_bytes(golden(name))) << name;
    }
  }
}

TEST(Golden, RefusalsNameTheArrayAndItsType) {
  const auto expect = [](const char* name, const std::string& part) {
    const Thrown t = thrown_by([&] { return open_table(golden(name)); });
    EXPECT_EQ(t.exit_code, 3) << name;
    EXPECT_NE(t.message.find(name), std::string::npos) << t.message;
    EXPECT_NE(t.message.find(part), std::string::npos) << t.message;
  };
  expect("object.npy", "'|O': Python objects");
  expect("complex.npz", "array 'bad' has dtype '<c16': complex");
  expect("longdouble.npy", "'<f16': long double");
  expect("structured.npy", "structured");
  expect("dates.npy", "'<M8[D]': dates");
}

TEST(Golden, NumpyReadsWhatIsWritten) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no numpy here";
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  for (int i = 0; i < 12; ++i) {
    const RandomTable t = random_arrays(random);
    write_table(folder / (std::to_string(i) + ".npz"), t.schema, t.rows, 50);
    // The values of each array in C order and in the machine's byte order, as the reader gives them.
    ByteWriter expected;
    for (std::size_t c = 0; c < t.schema.columns.size(); ++c) expected.put_bytes(t.rows.columns[c].values);
    write_bytes(folder / (std::to_string(i) + ".raw"), expected.view());
  }
  const std::string script = R"(
import numpy as np, sys, zipfile
for i in range(12):
    path = f"{sys.argv[1]}/{i}.npz"
    assert zipfile.ZipFile(path).testzip() is None
    z = np.load(path)
    raw = b""
    for key in z.files:
        a = z[key]
        if a.dtype.kind in "SU" or a.ndim == 0: continue
        a = a.astype(a.dtype.newbyteorder("<"))
        named = a.ndim == 2 and "names" in z.files and a.shape[1] == len(z["names"])
        raw += a.T.tobytes() if named else a.tobytes()
    assert raw == open(f"{sys.argv[1]}/{i}.raw", "rb").read(), path
)";
  write_bytes(folder / "check.py", as_byte_span(script));
  const std::string command = "/usr/bin/python3 " + (folder / "check.py") + " " + folder.path();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace haywatt::test
