#include <algorithm>

#include "codec/pipeline/hay_table.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/pipeline.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt {

void decompress_table(const std::string& input, const std::string& output, const DecompressOptions& options) {
  const HayTable table(input);
  std::vector<std::uint32_t> kept;
  const std::uint64_t last_row = std::min(options.last_row, table.schema().rows());
  const Schema selected = select(table.schema(), options.columns, options.first_row, last_row, kept);
  std::vector<bool> wanted(table.schema().columns.size(), false);
  for (const std::uint32_t c : kept) wanted[c] = true;

  const std::unique_ptr<TableWriter> writer = create_table(output, selected, options.existing);
  const std::uint64_t step = table.file().header().chunk_rows;
  const std::uint64_t first_chunk = std::min(options.first_row / step, table.chunks());
  const std::uint64_t end_chunk = last_row <= options.first_row ? first_chunk : (last_row - 1) / step + 1;
  const std::uint64_t count = end_chunk - first_chunk;
  std::vector<Chunk> chunks(count);
  const auto produce = [&](std::uint64_t i) {
    chunks[i] = slice(table.schema(), table.decode_chunk(first_chunk + i, wanted), options.first_row, last_row, kept,
                      options.first_row);
  };
  const auto consume = [&](std::uint64_t i) {
    const ScopedSpan span("write");
    writer->write(chunks[i]);
    chunks[i] = {};
    if (options.progress) options.progress(static_cast<double>(i + 1) / static_cast<double>(count));
  };
  exec::ordered_pipeline(count, options.threads, static_cast<std::uint64_t>(options.threads) + 1, produce, consume);
  const ScopedSpan span("write");
  writer->finish();
}

}  // namespace haywatt
