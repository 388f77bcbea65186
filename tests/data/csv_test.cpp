/// CSV: what is read, what is refused and how, and that numbers come back.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <limits>

#include "data/csv_header.hpp"
#include "table_helpers.hpp"

namespace haywatt::test {
namespace {

template <class T>
std::vector<T> values(const ColumnData& c) {
  std::vector<T> v(c.values.size() / sizeof(T));
  std::memcpy(v.data(), c.values.data(), c.values.size());
  return v;
}

class Csv : public ::testing::Test {
 protected:
  std::unique_ptr<TableReader> open(std::string_view text, std::uint64_t memory_bytes = 1 << 20) {
    write_bytes(path_, as_byte_span(text));
    return open_table(path_, {memory_bytes});
  }
  Thrown refusal(std::string_view text) {
    return thrown_by([&] { return open(text); });
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "t.csv";
};

TEST_F(Csv, TypesAndSpecialValues) {
  const auto reader = open(" n ,\"x, y\",z\r\n1,2.5,\r\n-3,nan,+4\r\n\r\n9223372036854775807,-inf,\"7\"");
  const Schema& s = reader->schema();
  ASSERT_EQ(s.columns.size(), 3U);
  EXPECT_EQ(s.columns[0].name, "n");
  EXPECT_EQ(s.columns[1].name, "x, y");
  EXPECT_EQ(s.columns[0].dtype.name(), "i8");
  EXPECT_EQ(s.columns[1].dtype.name(), "f8");
  EXPECT_EQ(s.columns[2].dtype.name(), "f8");
  const Chunk all = reader->read(0, UINT64_MAX);
  EXPECT_EQ(values<std::int64_t>(all.columns[0]), (std::vector<std::int64_t>{1, -3, INT64_MAX}));
  const auto x = values<double>(all.columns[1]);
  EXPECT_EQ(x[0], 2.5);
  EXPECT_TRUE(std::isnan(x[1]));
  EXPECT_EQ(x[2], -std::numeric_limits<double>::infinity());
  const auto z = values<double>(all.columns[2]);
  EXPECT_TRUE(std::isnan(z[0]));
  EXPECT_EQ(z[1], 4.0);
  EXPECT_EQ(z[2], 7.0);
}

TEST_F(Csv, WholeNumbersBecomeRealFromTheStart) {
  const auto reader = open("a\n1\n9007199254740993\n-0\n2.5\n5\n");
  EXPECT_EQ(values<double>(reader->read(0, 9).columns[0]), (std::vector<double>{1, 9007199254740992.0, -0.0, 2.5, 5}));
  EXPECT_TRUE(std::signbit(values<double>(reader->read(2, 1).columns[0])[0]));
  EXPECT_EQ(values<double>(reader->read(1, 2).columns[0])[0], 9007199254740992.0);
  EXPECT_EQ(values<double>(open("a\n9223372036854775808\n")->read(0, 1).columns[0])[0], 0x1p63);
}

TEST_F(Csv, SeparatorsAndByteOrderMark) {
  EXPECT_EQ(open("\xef\xbb\xbf"
                 "a;b\n1;2\n")
                ->schema()
                .columns[0]
                .name,
            "a");
  EXPECT_EQ(open("a\tb,c\td\n1\t2\t3\n")->schema().columns[1].name, "b,c");
  EXPECT_EQ(open("\"a\nb\",c\n1,2\n")->schema().columns[0].name, "a\nb");
}

TEST_F(Csv, RefusalsNameLineAndColumn) {
  const auto expect = [this](std::string_view text, const std::string& part) {
    const Thrown t = refusal(text);
    EXPECT_EQ(t.exit_code, 3) << text;
    EXPECT_NE(t.message.find(part), std::string::npos) << t.message;
  };
  expect("", "empty");
  expect("\n1\n", "line 1");
  expect("a,b\n1,2\n3,x\n", "line 3 has 'x' in column 'b'");
  expect("\"a\nb\",c\n1,2\n3,1e999\n", "line 4 has '1e999'");
  expect("a,b\n1\n", "line 2 has 1 cells, the header has 2");
  expect("a,b\n1,2,3\n", "line 2 has 3 cells");
  expect("\"a,b\n1,2\n", "quote");
  expect("\xff,b\n1,2\n", "UTF-8");
  expect("a\n0x10\n", "line 2");
  expect("a\n1 2\n", "line 2");
  expect("a\n\x1b[31m\n", "'?[31m'");
}

TEST_F(Csv, BinaryNoiseNeverCrashes) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string text = "a,b\n";
    static constexpr std::string_view alphabet = "0123456789.,;-+eE\"\n\r nainf\t\xc3\xa4";
    for (std::uint64_t n = random() % 60; n > 0; --n) text += alphabet[random() % alphabet.size()];
    if (i % 2 == 0) text.erase(0, random() % 4);
    const Thrown t = thrown_by([&] { return open(text)->read(0, 100); });
    EXPECT_TRUE(t.exit_code == 0 || t.exit_code == 3) << t.message;
  }
}

/// Bit patterns of every magnitude, special values among them.
double random_real(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return random() % 2 == 0 ? -0.0 : -std::numeric_limits<double>::infinity();
    case 2:
      return static_cast<double>(random() % 1000);
    default:
      break;
  }
  const std::uint64_t bits = random();
  double v = 0.0;
  std::memcpy(&v, &bits, sizeof v);
  return std::isnan(v) ? 1e-320 : v;
}

TEST_F(Csv, RandomTablesComeBackIdentical) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Schema s;
    s.format = "csv";
    Chunk all;
    all.rows = random() % 3000;
    const std::uint64_t columns = 1 + random() % 5;
    static constexpr std::string_view separators = ",;\t";
    const char separator = separators[columns == 1 ? 0 : random() % 3];
    for (std::uint64_t i = 0; i < columns; ++i) {
      ColumnInfo c;
      c.name = "c" + std::to_string(i) + (i == 1 ? "\"; ,\t" : "");
      c.rows = all.rows;
      c.dtype = DType::parse(random() % 2 == 0 && all.rows > 0 ? "i8" : "f8");
      c.source_array = static_cast<std::uint32_t>(i);
      ColumnData d;
      d.rows = all.rows;
      d.values.resize(all.rows * 8);
      for (std::uint64_t row = 0; row < all.rows; ++row) {
        const double real = random_real(random);
        const auto whole = static_cast<std::int64_t>(random()) >> (random() % 64);
        std::memcpy(d.values.data() + row * 8, c.dtype.is_float() ? static_cast<const void*>(&real) : &whole, 8);
      }
      s.arrays.push_back({c.name, ArrayRole::Column, "", {c.rows}, false, {}});
      if (i > 0) s.csv_header += separator;
      s.csv_header += data::quote_if_needed(c.name);
      s.columns.push_back(std::move(c));
      all.columns.push_back(std::move(d));
    }
    const std::string path = folder_ / (seed % 2 == 0 ? "r.csv" : "r.csv.gz");
    write_table(path, s, all, 1 + random() % 1000);
    const auto reader = open_table(path, {seed % 3 == 0 ? std::uint64_t{100} : std::uint64_t{1} << 20});
    expect_same_schema(reader->schema(), s);
    expect_same_rows(reader->read(0, UINT64_MAX), all);
    expect_same_rows(reader->read(500, 700), slice(s, all, 500, 700));
    if (HasFailure()) return;
  }
}

TEST_F(Csv, ShortestDigitsOfEveryType) {
  Schema s;
  s.format = "npz";
  Chunk all;
  all.rows = 1;
  const auto add = [&](const char* type, auto value) {
    ColumnInfo c;
    c.name = type;
    c.dtype = DType::parse(type);
    c.rows = 1;
    c.source_array = static_cast<std::uint32_t>(s.columns.size());
    s.arrays.push_back({type, ArrayRole::Column, "", {1}, false, {}});
    s.columns.push_back(c);
    ColumnData d;
    d.rows = 1;
    d.values.resize(sizeof value);
    std::memcpy(d.values.data(), &value, sizeof value);
    all.columns.push_back(d);
  };
  add("b1", std::uint8_t{1});
  add("i1", std::int8_t{-128});
  add("u2", std::uint16_t{65535});
  add("u8", UINT64_MAX);
  add("f2", std::uint16_t{0x3555});  // 0.333251953125
  add("f2", std::uint16_t{0x0001});  // 2^-24
  add("f2", std::uint16_t{0xfc00});
  add("f4", 0.1F);
  add("f8", 0.1);
  add("f8", 3.0);
  add("f8", std::numeric_limits<double>::quiet_NaN());
  const std::string path = folder_ / "d.csv";
  write_table(path, s, all, 1);
  EXPECT_EQ(as_text(read_bytes(path)),
            "b1,i1,u2,u8,f2,f2,f2,f4,f8,f8,f8\n1,-128,65535,18446744073709551615,0.33325195,5.9604645e-08,-inf,0.1,0.1,"
            "3.0,\n");
}

TEST_F(Csv, BetweenFormats) {
  const auto csv = open("a,b\n1,2.5\n3,4.5\n");
  const Chunk all = csv->read(0, 2);
  write_table(folder_ / "o.npz", csv->schema(), all, 2);
  const auto npz = open_table(folder_ / "o.npz");
  EXPECT_EQ(npz->schema().arrays[1].descr, "<f8");
  EXPECT_EQ(npz->schema().columns[0].name, "a");
  expect_same_rows(npz->read(0, 2), all);
  write_table(folder_ / "o.csv", npz->schema(), all, 1);
  EXPECT_EQ(as_text(read_bytes(folder_ / "o.csv")), "a,b\n1,2.5\n3,4.5\n");

  Schema field = npz->schema();
  field.columns[1].layout = Layout::FixedShape;
  field.columns[1].inner_shape = {1};
  Thrown t = thrown_by([&] { return create_table(folder_ / "f.csv", field, AtomicFile::Existing::Replace); });
  EXPECT_EQ(t.exit_code, 2) << t.message;
  Schema uneven = npz->schema();
  uneven.columns[1].rows = 1;
  t = thrown_by([&] { return create_table(folder_ / "f.csv", uneven, AtomicFile::Existing::Replace); });
  EXPECT_EQ(t.exit_code, 2) << t.message;
}

TEST_F(Csv, DamagedGzipIsFound) {
  const auto source = open("a,b\n1,2.5\n3,4.5\n10,20\n");
  const std::string path = folder_ / "d.csv.gz";
  write_table(path, source->schema(), source->read(0, 9), 9);
  const ByteVector good = read_bytes(path);
  for (std::size_t cut = 1; cut < good.size(); ++cut) {
    write_bytes(path, ByteSpan(good).first(cut));
    EXPECT_EQ(thrown_by([&] { return open_table(path); }).exit_code, 3) << "cut at " << cut;
  }
  ByteVector twice = good;
  twice.push_back(std::byte{1});
  write_bytes(path, twice);
  EXPECT_EQ(thrown_by([&] { return open_table(path); }).exit_code, 3) << "a byte after the end";
}

}  // namespace
}  // namespace haywatt::test
