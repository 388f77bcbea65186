/// How a table is cut into chunks.
#pragma once
#include "haywatt/data/schema.hpp"

namespace haywatt {

/// Rows of a chunk: about 2 MiB of values but at least 16,384 rows, never more than the format allows, and few enough
/// that `threads` chunks in flight (each about four times its raw size) stay within `memory_bytes`. Error(Usage) if not
/// even one row fits.
[[nodiscard]] std::uint64_t choose_chunk_rows(const Schema& schema, int threads, std::uint64_t memory_bytes);

}  // namespace haywatt
