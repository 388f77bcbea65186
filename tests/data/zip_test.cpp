/// Zip archives: sizes beyond 32 bits, lies, and damage anywhere.
#include <gtest/gtest.h>
#include <zip.h>

#include "data/npy_header.hpp"
#include "data/zip_directory.hpp"
#include "data/zip_layout.hpp"
#include "table_helpers.hpp"

namespace haywatt::test {
namespace {

/// An archive of which only the records exist; all else is zeros that take no memory.
class SparseArchive final : public data::ByteSource {
 public:
  explicit SparseArchive(const data::ZipLayout& layout, std::size_t members) {
    for (std::size_t m = 0; m < members; ++m) parts_.emplace_back(layout.local_offset(m), layout.local_header(m));
    parts_.emplace_back(layout.directory_offset(), layout.directory());
  }
  [[nodiscard]] std::uint64_t size() const override { return parts_.back().first + parts_.back().second.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    check_range(offset, out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = std::byte{0};
      for (const auto& [at, bytes] : parts_) {
        if (offset + i >= at && offset + i - at < bytes.size()) out[i] = bytes[offset + i - at];
      }
    }
  }

 private:
  std::vector<std::pair<std::uint64_t, ByteVector>> parts_;
};

TEST(ZipLayout, SizesAndOffsetsBeyond32Bits) {
  data::ZipLayout layout;
  const std::uint64_t large = (std::uint64_t{5} << 30) + 7;
  for (const char* name : {"a.npy", "b.npy", "ä.npy"}) layout.add(name, std::string_view(name) == "b.npy" ? 9 : large);
  layout.set_crc(1, 0x12345678);
  const auto members = data::read_zip_directory(SparseArchive(layout, 3), "sparse");
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].size_bytes, large);
  EXPECT_EQ(members[1].size_bytes, 9U);
  EXPECT_EQ(members[1].crc, 0x12345678U);
  EXPECT_EQ(members[2].name, "ä.npy");
  for (std::size_t m = 0; m < 3; ++m) EXPECT_EQ(members[m].data_offset, layout.data_offset(m));
}

TEST(ZipLayout, MoreMembersThan16BitsCount) {
  const TemporaryFolder folder;
  data::ZipLayout layout;
  ByteWriter file;
  for (int i = 0; i < 70000; ++i) {
    const std::size_t m = layout.add("m" + std::to_string(i), 0);
    file.put_bytes(layout.local_header(m));
  }
  file.put_bytes(layout.directory());
  write_bytes(folder / "many.zip", file.view());
  const auto input = std::make_shared<const InputFile>(folder / "many.zip");
  EXPECT_EQ(data::read_zip_directory(data::FileRange(input), "many").size(), 70000U);
}

/// An .npz made by libzip, so that the reader is not only tested against our own writer.
void make_npz(const std::string& path, const std::vector<std::pair<std::string, std::string>>& members, bool deflate) {
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  ASSERT_NE(archive, nullptr);
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    ASSERT_GE(index, 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  ASSERT_EQ(zip_close(archive), 0);
}

std::string npy(const std::string& descr, const std::vector<std::uint64_t>& shape, std::size_t data_bytes) {
  std::string s = data::make_npy_header(descr, false, shape);
  for (std::size_t i = 0; i < data_bytes; ++i) s += static_cast<char>((i * 7 + i / 256) & 0x3f);
  return s;
}

/// Replaces every occurrence of `from`; both of the same length.
std::size_t replace_all(ByteVector& bytes, std::string_view from, std::string_view to) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + from.size() <= bytes.size(); ++i) {
    if (as_text(ByteSpan(bytes).subspan(i, from.size())) != from) continue;
    std::memcpy(bytes.data() + i, to.data(), to.size());
    ++count;
  }
  return count;
}

class Npz : public ::testing::Test {
 protected:
  Thrown refusal() {
    return thrown_by([&] { return open_table(path_); });
  }
  void expect_refusal(const std::string& part) {
    const Thrown t = refusal();
    EXPECT_EQ(t.exit_code, 3) << part;
    EXPECT_NE(t.message.find(part), std::string::npos) << t.message;
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "t.npz";
};

TEST_F(Npz, DeflatedMembersInMemoryAndSpooled) {
  make_npz(path_, {{"a.npy", npy("<f8", {50000}, 400000)}, {"b.npy", npy("|u1", {1000, 100}, 100000)}}, true);
  const auto in_memory = open_table(path_);
  const auto spooled = open_table(path_, {1000});
  expect_same_rows(in_memory->read(0, UINT64_MAX), spooled->read(0, UINT64_MAX));
  expect_same_rows(in_memory->read(777, 3), spooled->read(777, 3));
}

TEST_F(Npz, DuplicateNames) {
  make_npz(path_, {{"aa.npy", npy("<i4", {2}, 8)}, {"ab.npy", npy("<i4", {2}, 8)}}, false);
  ByteVector bytes = read_bytes(path_);
  ASSERT_EQ(replace_all(bytes, "ab.npy", "aa.npy"), 2U);
  write_bytes(path_, bytes);
  expect_refusal("two members named 'aa.npy'");
}

TEST_F(Npz, MembersThatAreNoArrays) {
  make_npz(path_, {{"note.txt", "hello"}}, false);
  expect_refusal("'note.txt' is not a numpy array");
  make_npz(path_, {{"a.npy", "hello, this is no array"}}, false);
  expect_refusal("\\x93NUMPY");
  make_npz(path_, {{"a12[2J.npy", "x"}}, false);
  ByteVector bytes = read_bytes(path_);
  ASSERT_EQ(replace_all(bytes, "a12[2J", "a\n\x1b[2J"), 2U);
  write_bytes(path_, bytes);
  expect_refusal("'a??[2J'");
}

TEST_F(Npz, HeadersThatLie) {
  const auto with = [this](const std::vector<std::uint64_t>& shape, const std::string& descr, std::size_t bytes) {
    for (const bool deflate : {false, true}) {
      make_npz(path_, {{"a.npy", npy(descr, shape, bytes)}}, deflate);
      expect_refusal("array 'a'");
    }
  };
  with({std::uint64_t{1} << 60}, "<f8", 16);
  with({std::uint64_t{1} << 32, std::uint64_t{1} << 32}, "<f8", 0);
  with({std::uint64_t{1} << 63, 2}, "|u1", 0);
  with({0, std::uint64_t{1} << 62}, "<f8", 0);
  with({3}, "<f8", 16);
  with({3}, "<f8", 25);
  with({3}, "<U999999999999999999", 25);
}

TEST_F(Npz, BombsAreStoppedAtTheSizeTheyClaim) {
  // A deflated member that says it is 1,000 bytes long and is ten million.
  std::string bomb = npy("|u1", {10000000}, 0);
  bomb.resize(bomb.size() + 10000000);
  make_npz(path_, {{"a.npy", bomb}}, true);
  ByteVector bytes = read_bytes(path_);
  ByteWriter real, lie;
  real.put<std::uint32_t>(10000128);
  lie.put<std::uint32_t>(1000);
  ASSERT_GE(replace_all(bytes, as_text(real.view()), as_text(lie.view())), 1U);
  write_bytes(path_, bytes);
  expect_refusal("more than the 1000 bytes");
  // And one that claims more than deflate could ever give.
  bytes = read_bytes(path_);
  ByteWriter more;
  more.put<std::uint32_t>(0xf0000000);
  ASSERT_GE(replace_all(bytes, as_text(lie.view()), as_text(more.view())), 1U);
  write_bytes(path_, bytes);
  expect_refusal("impossible size");
}

TEST_F(Npz, EmptyAndForeignFiles) {
  for (const std::string_view text : {"", "PK", "not a zip archive, only some text of more than 22 bytes"}) {
    write_bytes(path_, as_byte_span(text));
    expect_refusal("damaged or truncated");
  }
  EXPECT_EQ(thrown_by([&] { return open_table(folder_ / "none.npz"); }).exit_code, 4);
  EXPECT_EQ(thrown_by([&] { return open_table(folder_ / "none.xyz"); }).exit_code, 4);
  write_bytes(folder_ / "some.xyz", {});
  EXPECT_EQ(thrown_by([&] { return open_table(folder_ / "some.xyz"); }).exit_code, 3);
}

/// One change to a file: a flipped bit, a lost, doubled or inserted stretch, a cut end.
ByteVector damaged(const ByteVector& good, std::mt19937_64& random) {
  ByteVector bad = good;
  const auto at = static_cast<std::ptrdiff_t>(random() % good.size());
  const auto length = static_cast<std::ptrdiff_t>(1 + random() % 20);
  switch (random() % 5) {
    case 0:
      bad.resize(static_cast<std::size_t>(at));
      break;
    case 1:
      bad.insert(bad.begin() + at, static_cast<std::size_t>(length), static_cast<std::byte>(random()));
      break;
    case 2:
      bad.erase(bad.begin() + at, bad.begin() + std::min(at + length, static_cast<std::ptrdiff_t>(good.size())));
      break;
    default:
      bad[static_cast<std::size_t>(at)] ^= static_cast<std::byte>(1U << (random() % 8));
  }
  return bad;
}

TEST_F(Npz, DamageIsFoundOrHarmless) {
  const std::string words = npy("|S3", {4}, 12);
  const std::string names = npy("<U2", {3}, 0) + std::string("a\0\0\0\0\0\0\0b\0\0\0\0\0\0\0c\0\0\0d\0\0\0", 24);
  int found = 0;
  for (const bool deflate : {false, true}) {
    make_npz(path_, {{"data.npy", npy("<f4", {40, 3}, 480)}, {"names.npy", names}, {"w.npy", words}}, deflate);
    const ByteVector good = read_bytes(path_);
    const auto reader = open_table(path_);
    const Schema schema = reader->schema();
    ASSERT_EQ(schema.columns.at(2).name, "cd");
    const Chunk rows = reader->read(0, UINT64_MAX);
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::mt19937_64 random(seed);
      write_bytes(path_, damaged(good, random));
      const Thrown t = thrown_by([&] {
        const auto again = open_table(path_);
        expect_same_schema(again->schema(), schema);
        expect_same_rows(again->read(0, UINT64_MAX), rows);
      });
      found += t.exit_code != 0;
      EXPECT_TRUE(t.exit_code == 0 || t.exit_code == 3) << t.message;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(found, 2000) << "most damage hits bytes that matter";
}

TEST_F(Npz, DamagedNpyNeverCrashes) {
  // A bare .npy has no checksum: only its structure can be checked.
  const std::string path = folder_ / "t.npy";
  const std::string text = npy("<f4", {40, 3}, 480);
  const ByteVector good(as_byte_span(text).begin(), as_byte_span(text).end());
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    std::mt19937_64 random(seed);
    write_bytes(path, damaged(good, random));
    const Thrown t = thrown_by([&] { return open_table(path)->read(0, UINT64_MAX); });
    EXPECT_TRUE(t.exit_code == 0 || t.exit_code == 3) << t.message;
  }
}

}  // namespace
}  // namespace haywatt::test
