// The example that docs/adding-a-codec.md shows works, and the page shows what works.
#include "codec/example_method.hpp"

#include <gtest/gtest.h>

#include "codec/column_samples.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt {
namespace {

TEST(ExampleMethod, RoundTripsAndRefusesDamage) {
  std::mt19937_64 random(1);
  const example::RunLengthCodec codec;
  for (const DType& type : samples::all_types())
    for (const samples::Sample& s : samples::flat_columns(type, 300, random)) {
      ColumnTask task;
      task.type = type;
      task.rows = task.values = s.data.rows;
      const ByteVector stream = codec.encode(task, s.data.values);
      EXPECT_EQ(codec.decode(task, stream), s.data.values) << s.name;
      EXPECT_THROW((void)codec.decode(task, ByteSpan(stream).first(stream.size() - 1)), Error);
      task.values -= 1;
      EXPECT_THROW((void)codec.decode(task, stream), Error);
    }
  EXPECT_NE(example::RunLengthMethod().make_encoder({"run-length", {}}), nullptr);
}

TEST(ExampleMethod, IsTheOneThatThePageShows) {
  const std::string root = HAYWATT_SOURCE_DIR;
  const std::string page = read_text_file(root + "/docs/adding-a-codec.md");
  const std::string code = read_text_file(root + "/tests/codec/example_method.hpp");
  const auto begin = page.find("```cpp\n") + 7;
  const std::string shown = page.substr(begin, page.find("```", begin) - begin);
  EXPECT_NE(code.find(shown), std::string::npos);
}

}  // namespace
}  // namespace haywatt
