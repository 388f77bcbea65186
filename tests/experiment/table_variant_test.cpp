#include "haywatt/experiment/table_variant.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/data/statistics.hpp"
#include "haywatt/data/table_io.hpp"
#include "haywatt_test_paths.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt::experiment {
using test::TemporaryFolder;

namespace {

const std::string jets = std::string(HAYWATT_SOURCE_DIR) + "/examples/jets.npz";

std::vector<double> column(const std::string& path, std::size_t c) {
  const auto reader = open_table(path);
  const Chunk all = reader->read(0, reader->schema().rows());
  return to_doubles(reader->schema().columns.at(c).dtype, all.columns.at(c).values);
}

TEST(TableVariant, RepeatsTheFirstRowsAndCuts) {
  const TemporaryFolder folder;
  const std::vector<double> source = column(jets, 3);
  for (const std::uint64_t rows : {1, 7, 10, 25, 40}) {
    write_variant(jets, {.base = 10, .rows = rows, .float_type = {}}, folder / "a.npz");
    const std::vector<double> made = column(folder / "a.npz", 3);
    ASSERT_EQ(made.size(), rows);
    for (std::size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i], source[i % 10]);
  }
  const std::uint64_t more = source.size() + 3;
  write_variant(jets, {.base = 0, .rows = more, .float_type = {}}, folder / "a.npz");
  const std::vector<double> made = column(folder / "a.npz", 3);
  ASSERT_EQ(made.size(), more);
  EXPECT_EQ(made[source.size() + 2], source[2]);
}

TEST(TableVariant, KeepsNamesAndIntegersInAnotherFloatType) {
  const TemporaryFolder folder;
  write_text_file(folder / "t.csv", "x,n\n0.1,1\n0.2,2\n");
  const auto csv = open_table(folder / "t.csv");
  {
    const auto writer = create_table(folder / "t.npz", csv->schema(), AtomicFile::Existing::Replace);
    writer->write(csv->read(0, 2));
    writer->finish();
  }
  write_variant(folder / "t.npz", {.base = 0, .rows = 0, .float_type = DType::parse("f4")}, folder / "f4.npz");
  const auto made = open_table(folder / "f4.npz");
  ASSERT_EQ(made->schema().columns.size(), 2U);
  EXPECT_EQ(made->schema().columns[0].name, "x");
  EXPECT_EQ(made->schema().columns[0].dtype.name(), "f4");
  EXPECT_EQ(made->schema().columns[1].dtype, csv->schema().columns[1].dtype);
  EXPECT_EQ(column(folder / "f4.npz", 0), (std::vector<double>{double{0.1F}, double{0.2F}}));
  EXPECT_EQ(column(folder / "f4.npz", 1), (std::vector<double>{1.0, 2.0}));
  // All columns of one array.
  write_variant(jets, {.base = 0, .rows = 5, .float_type = DType::parse("f8")}, folder / "jets.npz");
  const auto wide = open_table(folder / "jets.npz");
  const auto given = open_table(jets);
  ASSERT_EQ(wide->schema().columns.size(), given->schema().columns.size());
  for (const ColumnInfo& c : wide->schema().columns) EXPECT_EQ(c.dtype.name(), "f8");
  EXPECT_EQ(column(folder / "jets.npz", 0).at(4), column(jets, 0).at(4));
}

TEST(TableVariant, RefusesWhatCannotBe) {
  const TemporaryFolder folder;
  write_text_file(folder / "t.csv", "x\n0.1\n");
  EXPECT_THROW(
      write_variant(folder / "t.csv", {.base = 0, .rows = 0, .float_type = DType::parse("f4")}, folder / "u.csv"),
      Error);
  EXPECT_THROW(write_variant(folder / "t.csv", {.base = 2, .rows = 4, .float_type = {}}, folder / "u.csv"), Error);
  write_text_file(folder / "empty.csv", "x\n");
  EXPECT_THROW(write_variant(folder / "empty.csv", {.base = 0, .rows = 4, .float_type = {}}, folder / "u.csv"), Error);
}

}  // namespace
}  // namespace haywatt::experiment
