/// Schemas: numpy's header literal, JSON that is not trusted, selections.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "data/npy_header.hpp"
#include "data/utf8.hpp"
#include "table_helpers.hpp"

namespace haywatt::test {
namespace {

using nlohmann::json;

TEST(NpyLiteral, WhatWritersWrite) {
  const auto parse = [](std::string_view t) { return data::parse_npy_literal(t, "x"); };
  data::NpyHeader h = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }      \n");
  EXPECT_EQ(h.descr, "<f4");
  EXPECT_FALSE(h.fortran_order);
  EXPECT_EQ(h.shape, (std::vector<std::uint64_t>{3, 4}));
  h = parse("{\"shape\":(5L,),\"fortran_order\":True,\"descr\":\">i8\"}");
  EXPECT_TRUE(h.fortran_order);
  EXPECT_EQ(h.shape, (std::vector<std::uint64_t>{5}));
  EXPECT_TRUE(parse("{'descr': '|b1', 'fortran_order': False, 'shape': ()}").shape.empty());
  EXPECT_EQ(parse("{'descr': [('a', '<f4'), ('b', [('c', '<i4')])], 'fortran_order': False, 'shape': (1,)}").descr,
            "V");
}

TEST(NpyLiteral, AnythingElseIsDamage) {
  for (const char* text : {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}",
                           "{'descr': '<f4', 'fortran_order': false, 'shape': (3,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
                           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
                           "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (3,)}", "{'descr': [('a', '<f4')",
                           "__import__('os').system('true')"}) {
    EXPECT_EQ(thrown_by([&] { return data::parse_npy_literal(text, "x"); }).exit_code, 3) << text;
  }
}

TEST(Utf8, ValidAndInvalid) {
  EXPECT_TRUE(data::is_utf8("aφ€𝄞"));
  for (const std::string_view bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xff"})
    EXPECT_FALSE(data::is_utf8(bad));
  EXPECT_EQ(data::quoted_name("a\nb\x7f"), "'a?b?'");
  EXPECT_EQ(data::quoted_name(std::string(78, 'a') + "€"), "'" + std::string(78, 'a') + "...'");
}

TEST(SchemaJson, RandomSchemasComeBack) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 300; ++i) {
    Schema s = random_arrays(random).schema;
    const json j = json::parse(json(s).dump());
    EXPECT_FALSE(j.dump().find("raw") != std::string::npos);
    for (SourceArray& a : s.arrays) a.raw.clear();
    expect_same_schema(j.get<Schema>(), s);
    if (::testing::Test::HasFailure()) return;
  }
}

/// Every way to change one value of a schema: accepted as it stands, or one clear error.
TEST(SchemaJson, NothingAbsurdIsAccepted) {
  const json replacements = {nullptr,
                             true,
                             -1,
                             0,
                             1,
                             1.5,
                             4294967296ULL,
                             9223372036854775808ULL,
                             18446744073709551615ULL,
                             "",
                             "x",
                             "<c16",
                             "table",
                             "names",
                             "jagged",
                             json::array(),
                             json::array({1, 2}),
                             json::array({4294967296ULL, 4294967296ULL}),
                             json::object()};
  std::mt19937_64 random(4);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const json flat = json(random_arrays(random).schema).flatten();
    std::vector<std::string> paths;
    for (const auto& item : flat.items()) paths.push_back(item.key());
    json j = flat.unflatten();
    const std::string path = paths[random() % paths.size()];
    j[json::json_pointer(path)] = replacements[random() % replacements.size()];
    const Thrown t = thrown_by([&] {
      const auto s = j.get<Schema>();
      EXPECT_LT(s.raw_bytes(), std::uint64_t{1} << 62);
      for (const ColumnInfo& c : s.columns) ASSERT_LT(c.source_array, s.arrays.size());
    });
    EXPECT_TRUE(t.exit_code == 0 || t.exit_code == 3) << t.message;
    refused += t.exit_code == 3;
  }
  EXPECT_GT(refused, 200);
}

TEST(Select, ColumnsAndRowsOfRandomTables) {
  const TemporaryFolder folder;
  std::mt19937_64 random(9);
  int selected = 0;
  for (int i = 0; i < 200; ++i) {
    const RandomTable t = random_arrays(random);
    std::vector<std::uint32_t> kept;
    const std::uint64_t first = random() % 60, last = first + random() % 100;
    const std::string globs = i % 3 == 0 ? "*" : i % 3 == 1 ? "array?,[a-m]*" : "*[aeiou1-3]*";
    Schema s;
    if (thrown_by([&] { s = select(t.schema, globs, first, last, kept); }).exit_code == 2) continue;
    ++selected;
    Chunk rows;
    rows.rows = s.rows();
    const Chunk part = slice(t.schema, t.rows, first, last - first);
    for (const std::uint32_t k : kept) rows.columns.push_back(part.columns[k]);
    write_table(folder / "s.npz", s, rows, 33);
    const auto reader = open_table(folder / "s.npz");
    expect_same_schema(reader->schema(), s);
    expect_same_rows(reader->read(0, UINT64_MAX), rows);
    for (std::size_t c = 0; c < kept.size(); ++c) EXPECT_EQ(s.columns[c].name, t.schema.columns[kept[c]].name);
    for (SourceArray& a : s.arrays) a.raw.clear();
    expect_same_schema(json(s).get<Schema>(), s);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(selected, 100);
}

TEST(Select, Errors) {
  std::mt19937_64 random(1);
  RandomTable t = random_arrays(random);
  while (t.schema.columns.empty()) t = random_arrays(random);
  std::vector<std::uint32_t> kept;
  EXPECT_EQ(thrown_by([&] { return select(t.schema, "none*", 0, 9, kept); }).exit_code, 2);
  EXPECT_EQ(thrown_by([&] { return select(t.schema, "*", 9, 3, kept); }).exit_code, 2);
}

TEST(Select, CsvHeaderKeepsItsSpelling) {
  const TemporaryFolder folder;
  write_bytes(folder / "t.csv", as_byte_span("\"a;1\";b ;  c\n1;2;3\n"));
  const auto reader = open_table(folder / "t.csv");
  std::vector<std::uint32_t> kept;
  EXPECT_EQ(select(reader->schema(), "a*,c", 0, 1, kept).csv_header, "\"a;1\";  c");
}

}  // namespace
}  // namespace haywatt::test
