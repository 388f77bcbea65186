/// Whole files: table -> .hay -> table, chunk by chunk, verified.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "haywatt/codec/chunk_team.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt {

struct CompressOptions {
  MethodSpec method;
  std::vector<BoundRule> bounds;  ///< empty: lossless ("none" for baler)
  int threads = 1;
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  std::uint64_t chunk_rows = 0;  ///< 0: chosen from the row size, the threads and the memory
  AtomicFile::Existing existing = AtomicFile::Existing::Refuse;
  std::function<void(double done)> progress;  ///< share of the work, 0..1; may be empty
  /// Other processes that call this function with the same table and options; needs `threads` 1. Only member 0 writes
  /// the file and gets a whole outcome.
  ChunkTeam* team = nullptr;
};

struct ColumnOutcome {
  std::string name;
  ResolvedBound bound;
  ColumnStatistics statistics;
  ErrorStatistics error;
  std::uint64_t compressed_bytes = 0;  ///< the column's own streams and corrections
  std::uint64_t corrections = 0;       ///< values stored as corrections because the codec missed the bound
};

struct CompressOutcome {
  std::uint64_t rows = 0, raw_bytes = 0, file_bytes = 0, model_bytes = 0, shared_bytes = 0, chunks = 0;
  std::vector<ColumnOutcome> columns;
  MethodCounts counts;
};

/// Spans: read, prepare, (train), encode, verify (the encoder's own decode and judgement), write.
CompressOutcome compress_table(const TableReader& reader, const std::string& output, const CompressOptions& options);

struct DecompressOptions {
  std::string columns = "*";  ///< globs, comma separated
  std::uint64_t first_row = 0, last_row = UINT64_MAX;
  int threads = 1;
  AtomicFile::Existing existing = AtomicFile::Existing::Refuse;
  std::function<void(double done)> progress;
};
/// Spans: read-back, decode, write.
void decompress_table(const std::string& input, const std::string& output, const DecompressOptions& options);

/// A .hay file as a table: chunks are read, checked and decoded on demand. Spans: read-back, decode.
[[nodiscard]] std::unique_ptr<TableReader> open_hay(const std::string& path);

struct VerifyOutcome {
  std::uint64_t chunks = 0;
  std::vector<ColumnOutcome> columns;  ///< errors only with an original
  bool within_bounds = true;
};
/// Decodes everything and checks every checksum; with `original`, every value against its bound. Error(BadInput) on
/// damage; a value outside its bound or a different table is reported in the outcome or as Error(CheckFailed). `each`
/// (may be empty) sees every chunk as (original, decoded) in order. Spans: read-back, decode, verify.
VerifyOutcome verify_file(const std::string& path, const TableReader* original, int threads,
                          const std::function<void(const Chunk&, const Chunk&)>& each = {});

}  // namespace haywatt
