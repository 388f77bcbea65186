/// What a table is made of, so that what goes in comes out: the same keys, dtypes, shapes, names, order.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "haywatt/data/column.hpp"

namespace haywatt {

/// Table: a 2-D array whose columns are named by a Names array. Column: a 1-D array. Field: n-D array, rows along axis
/// 0. Names: the array of the column names. Carried: anything else, kept byte for byte.
enum class ArrayRole : std::uint8_t { Table, Column, Field, Names, Carried };

/// One array of the source, in the source's order.
struct SourceArray {
  std::string key;  ///< npz member name without ".npy"; empty for a bare .npy
  ArrayRole role = ArrayRole::Column;
  std::string descr;  ///< numpy type string, e.g. "<f4", "|b1", "<U25"; empty for CSV
  std::vector<std::uint64_t> shape;
  bool fortran_order = false;
  ByteVector raw;  ///< Carried and Names only: the array as a complete .npy file
};

struct Schema {
  std::string format;  ///< "npz", "npy", "csv"
  std::vector<SourceArray> arrays;
  std::vector<ColumnInfo> columns;
  std::string csv_header;  ///< CSV only: the header line as written, without line end

  [[nodiscard]] std::uint64_t rows() const;       ///< the longest column's
  [[nodiscard]] std::uint64_t raw_bytes() const;  ///< value bytes of all columns (not of jagged ones)
};

/// JSON form of a schema as stored in a .hay header (docs/format.md). `raw` of arrays is not part of it.
void to_json(nlohmann::json& j, const Schema& s);
/// Error(BadInput) on missing or absurd content (overflowing shapes, bad indices).
void from_json(const nlohmann::json& j, Schema& s);

/// The schema of a selection: columns matching any of `globs` (comma separated) and rows [first, last) clipped per
/// column. Table arrays shrink to the chosen columns, Names to their names; Carried arrays stay. `kept[i]` is the index
/// in `s.columns` of the new column i. Error(Usage) if nothing matches.
Schema select(const Schema& s, const std::string& globs, std::uint64_t first, std::uint64_t last,
              std::vector<std::uint32_t>& kept);

}  // namespace haywatt
