/// Corrections: values that a codec missed, stored as they are. This is what makes a bound a guarantee for every
/// method.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

/// The values (of `value_size` bytes each) at `positions` (ascending) of `values`; empty if there are none.
/// Form: u8 0 or 1 (zstd), then varint count, varint gaps between positions, raw little-endian values; docs/format.md.
[[nodiscard]] ByteVector encode_corrections(std::span<const std::uint64_t> positions, ByteSpan values,
                                            std::uint8_t value_size);
/// Overwrites the corrected values and returns how many there were; Error(BadInput) on damage.
std::uint64_t apply_corrections(ByteSpan stream, std::span<std::byte> values, std::uint8_t value_size);

}  // namespace haywatt
