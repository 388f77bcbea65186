/// Columns that the network does not see, stored losslessly: byte planes in a zstd frame.
#pragma once
#include <cstdint>

#include "haywatt/base/bytes.hpp"
#include "haywatt/data/column.hpp"

namespace haywatt::baler {

/// Jagged columns: u64 length of the packed row lengths, these, then the values; others only the values.
[[nodiscard]] ByteVector encode_plain(const ColumnInfo& info, const ColumnData& data);
/// Error(BadInput) on damage.
[[nodiscard]] ColumnData decode_plain(const ColumnInfo& info, ByteSpan stream, std::uint64_t rows);

}  // namespace haywatt::baler
