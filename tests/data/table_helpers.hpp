/// What the tests of tables share: files, random arrays, and equality of tables.
#pragma once
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/data/table_io.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt::test {

void write_bytes(const std::string& path, ByteSpan bytes);
[[nodiscard]] ByteVector read_bytes(const std::string& path);

/// Every numeric type in both byte orders.
[[nodiscard]] std::vector<DType> all_dtypes();

struct RandomTable {
  Schema schema;
  Chunk rows;  ///< all of them
};
/// Columns, fields and at most one table with names, carried arrays, of random dtypes, orders, shapes and lengths.
[[nodiscard]] RandomTable random_arrays(std::mt19937_64& random);

/// Rows [first, first + count) of a chunk that starts at row 0.
[[nodiscard]] Chunk slice(const Schema& schema, const Chunk& all, std::uint64_t first, std::uint64_t count);

/// Writes all rows in chunks of `chunk_rows`.
void write_table(const std::string& path, const Schema& schema, const Chunk& all, std::uint64_t chunk_rows,
                 AtomicFile::Existing existing = AtomicFile::Existing::Replace);

/// Keys, roles, dtypes, shapes, orders, names and carried bytes agree.
void expect_same_schema(const Schema& a, const Schema& b);
void expect_same_rows(const Chunk& a, const Chunk& b);

/// The error that `action` throws, "" if none.
struct Thrown {
  int exit_code = 0;
  std::string message;
};
template <class Action>
[[nodiscard]] Thrown thrown_by(Action action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return {e.exit_code(), e.what()};
  }
  return {};
}

}  // namespace haywatt::test
