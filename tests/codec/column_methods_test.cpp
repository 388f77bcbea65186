// Every column-wise method, every type, every bound: what comes back is what went in, within the bound.
#include <gtest/gtest.h>

#include "codec/column_samples.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

using namespace samples;

std::vector<std::string> methods_under_test() {
  std::vector<std::string> methods{"zstd", "zstd:level=19", "lz4", "lz4:level=9",
                                   "zfp"};  // and what plug-ins this machine has
#ifndef __SANITIZE_ADDRESS__  // Plug-ins are not ours; some free with free() what HDF5 or they made with new.
  for (const auto& method : all_methods())
    if (method->name().starts_with("hdf5:") && method->unavailable_reason().empty()) methods.push_back(method->name());
#endif
  return methods;
}

std::string describe(const std::string& method, const Sample& s, const ResolvedBound& b) {
  return method + " " + s.name + " " + b.requested + " " + std::to_string(b.epsilon) + "/" +
         std::to_string(b.mantissa_bits);
}

void expect_round_trip(const std::string& method, const Sample& sample, const ResolvedBound& bound) {
  SCOPED_TRACE(describe(method, sample, bound));
  const ByteVector stream = encode(method, sample, bound);
  const ColumnData decoded = decode(method, sample, bound, stream);
  ASSERT_EQ(decoded.rows, sample.data.rows);
  ASSERT_EQ(decoded.offsets, sample.data.offsets);
  ASSERT_EQ(decoded.values.size(), sample.data.values.size());
  if (bound.kind == BoundKind::Lossless)
    EXPECT_EQ(decoded.values, sample.data.values);
  else
    EXPECT_EQ(inexcusable_violations(sample, decoded, bound), 0U);
}

class ColumnMethods : public testing::TestWithParam<std::string> {};

TEST_P(ColumnMethods, RoundTripsFlatColumns) {
  std::mt19937_64 random(1);
  for (const DType& type : all_types())
    for (const std::uint64_t rows : {0, 1, 2, 3, 255, 3000})
      for (const Sample& s : flat_columns(type, rows, random))
        for (const ResolvedBound& b : bounds_for(s))
          if (find_method(MethodSpec::parse(GetParam()).name).supports(b.kind)) expect_round_trip(GetParam(), s, b);
}

TEST_P(ColumnMethods, RoundTripsFieldsAndLists) {
  std::mt19937_64 random(2);
  const std::vector<std::vector<std::uint64_t>> shapes{{3}, {5, 7}, {4, 4, 4}, {2, 3, 2, 3},
                                                       {0}, {1, 1}, {12, 10},  {9, 10, 11}};
  for (const DType& type : all_types()) {
    std::vector<Sample> all;
    for (const auto& shape : shapes)
      for (const std::uint64_t rows : {0, 1, 9}) all.push_back(field(type, rows, shape, random));
    for (const std::uint64_t rows : {0, 1, 200}) all.push_back(jagged(type, rows, random));
    for (const Sample& s : all)
      for (const ResolvedBound& b : {ResolvedBound{}, abs_bound(0.01), abs_bound(2.0)})
        if (type.kind != ScalarKind::Bool && find_method(MethodSpec::parse(GetParam()).name).supports(b.kind))
          expect_round_trip(GetParam(), s, b);
  }
}

/// A filter plug-in's own code decides what it does with damaged bytes; the container's checksums keep them away from
/// it. Everything else must stand any damage.
bool runs_foreign_code(const std::string& method) { return method.starts_with("hdf5:"); }

/// Damage of any kind ends in an Error or in values of the right size, never in a crash.
TEST_P(ColumnMethods, SurvivesDamagedStreams) {
  if (runs_foreign_code(GetParam())) return;
  std::mt19937_64 random(3);
  for (const char* type : {"f4", "f8", "i4", "u1"}) {
    std::vector<Sample> all = flat_columns(DType::parse(type), 500, random);
    all.push_back(field(DType::parse(type), 6, {5, 5}, random));
    all.push_back(jagged(DType::parse(type), 100, random));
    for (const Sample& s : all)
      for (const ResolvedBound& b : {ResolvedBound{}, abs_bound(0.01)}) {
        const ByteVector good = encode(GetParam(), s, b);
        for (int round = 0; round < 60; ++round) {
          ByteVector bad = good;
          switch (random() % 4) {
            case 0:
              bad.resize(random() % (bad.size() + 1));
              break;
            case 1:
              bad.insert(bad.begin() + static_cast<std::ptrdiff_t>(random() % (bad.size() + 1)), std::byte(random()));
              break;
            default:
              for (std::uint64_t flips = 1 + random() % 4; flips > 0 && !bad.empty(); --flips)
                bad[random() % bad.size()] ^= static_cast<std::byte>(1U << (random() % 8));
          }
          try {
            const ColumnData d = decode(GetParam(), s, b, bad);
            EXPECT_TRUE(s.info.layout == Layout::Jagged || d.values.size() == s.data.values.size());
          } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::BadInput) << e.what();
            EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
          }
        }
      }
  }
}

/// A stream of fewer values than the reader expects is refused, also where a filter plug-in decodes it to its own size.
TEST_P(ColumnMethods, RefusesStreamsOfAnotherLength) {
  std::mt19937_64 random(6);
  const Sample few = flat_columns(DType::parse("f4"), 400, random).front();
  const Sample more = flat_columns(DType::parse("f4"), 2000, random).front();
  const ByteVector stream = encode(GetParam(), few, abs_bound(0.01));
  try {
    (void)decode(GetParam(), more, abs_bound(0.01), stream);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::BadInput) << e.what();
  }
}

INSTANTIATE_TEST_SUITE_P(All, ColumnMethods, testing::ValuesIn(methods_under_test()), [](const auto& p) {
  std::string s = p.param;
  for (char& c : s)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return s;
});

TEST(ColumnMethod, ConstantColumnsTakeAFewBytes) {
  std::mt19937_64 random(4);
  for (const DType& type : all_types())
    for (const Sample& s : flat_columns(type, 3000, random))
      if (s.name.find("constant") != std::string::npos) {
        EXPECT_LE(encode("zstd", s, {}).size(), 10U) << s.name;
      }
}

TEST(ColumnMethod, UnwantedColumnsStayEmptyAndModelsAreRefused) {
  std::mt19937_64 random(5);
  const Sample s = flat_columns(DType::parse("f4"), 10, random).front();
  Schema schema;
  schema.columns = {s.info};
  const std::vector<ResolvedBound> bounds(1);
  const TableContext context{&schema, &bounds};
  const auto decoder = find_method("zstd").make_decoder(context, {});
  EncodedChunkView view;
  view.rows = 10;
  view.column_rows = {10};
  view.columns = {ByteSpan{}};
  EXPECT_TRUE(decoder->decode(view, {false}).columns.at(0).values.empty());
  EXPECT_THROW((void)find_method("zstd").make_decoder(context, as_byte_span("x")), Error);
  view.columns.clear();
  EXPECT_THROW((void)decoder->decode(view, {true}), Error);
}

/// One value a list and lists of 2^60 values: the lengths are refused before anything is allocated for them.
TEST(ColumnMethod, AbsurdListLengthsAreRefused) {
  Sample s;
  s.info.dtype = DType::parse("f8");
  s.info.layout = Layout::Jagged;
  s.data.rows = 2;
  ByteWriter lengths;
  for (const int byte : {8, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0x10})
    lengths.put(static_cast<std::uint8_t>(byte));
  ByteWriter stream;
  stream.put_block(lengths.view());
  stream.put<std::uint8_t>(4);
  stream.put<double>(1.0);
  try {
    (void)decode("zstd", s, {}, stream.view());
    FAIL() << "2^61 values were accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("absurd"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace haywatt
