#include "codec/pipeline/hay_table.hpp"

#include <algorithm>

#include "haywatt/base/error.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/corrections.hpp"
#include "haywatt/codec/pipeline.hpp"

namespace haywatt {

HayTable::HayTable(const std::string& path) : file_(path), context_{&file_.header().schema, &file_.header().bounds} {
  const std::string& name = file_.header().method.name;
  const auto& methods = all_methods();
  const auto known = std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m->name() == name; });
  if (known == methods.end())
    fail_unavailable(path + " was written by method '" + name +
                     "', which is not available here: see 'haywatt methods'");
  decoder_ = (*known)->make_decoder(context_, file_.model());
}

Chunk HayTable::decode_chunk(std::uint64_t k, const std::vector<bool>& wanted) const {
  const HayHeader& header = file_.header();
  const ChunkPlaces& places = file_.places(k);
  const std::size_t columns = header.schema.columns.size();
  std::vector<ByteVector> shared;
  std::vector<ByteVector> streams(columns);
  std::vector<ByteVector> corrections(columns);
  {
    const ScopedSpan span("read-back");
    for (const StreamPlace& p : places.shared) shared.push_back(file_.read_stream(p));
    for (std::size_t c = 0; c < columns; ++c) {
      if (!wanted[c]) continue;
      streams[c] = file_.read_stream(places.columns[c]);
      corrections[c] = file_.read_stream(places.corrections[c]);
    }
  }
  const ScopedSpan span("decode");
  EncodedChunkView view;
  for (const ByteVector& s : shared) view.shared.emplace_back(s);
  for (std::size_t c = 0; c < columns; ++c) {
    view.columns.emplace_back(streams[c]);
    view.column_rows.push_back(header.column_rows(k, c));
    view.rows = std::max(view.rows, view.column_rows.back());
  }
  Chunk chunk = decoder_->decode(view, wanted);
  chunk.first_row = k * header.chunk_rows;
  chunk.rows = view.rows;
  for (std::size_t c = 0; c < columns; ++c) {
    if (!wanted[c]) continue;
    const ColumnInfo& info = header.schema.columns[c];
    ColumnData& data = chunk.columns.at(c);
    const std::uint64_t expected = view.column_rows[c] * info.values_per_row() * info.dtype.size;
    if (data.rows != view.column_rows[c] || (info.layout != Layout::Jagged && data.values.size() != expected))
      fail_input(file_.path() + " is damaged: column '" + info.name + "' decodes to another size than its header says");
    apply_corrections(corrections[c], data.values, info.dtype.size);
  }
  return chunk;
}

Chunk slice(const Schema& schema, const Chunk& chunk, std::uint64_t first, std::uint64_t last,
            const std::vector<std::uint32_t>& columns, std::uint64_t origin) {
  const std::uint64_t begin = std::max(first, chunk.first_row);
  const std::uint64_t end = std::min(last, chunk.first_row + chunk.rows);
  Chunk out;
  out.first_row = begin - origin;
  out.rows = end > begin ? end - begin : 0;
  for (const std::uint32_t c : columns) {
    const ColumnData& from = chunk.columns[c];
    const ColumnInfo& info = schema.columns[c];
    const std::uint64_t b = std::min(begin - chunk.first_row, from.rows);
    const std::uint64_t e = std::clamp(end - chunk.first_row, b, from.rows);
    ColumnData to;
    to.rows = e - b;
    std::uint64_t first_value = b * info.values_per_row();
    std::uint64_t last_value = e * info.values_per_row();
    if (info.layout == Layout::Jagged) {
      first_value = from.offsets[b];
      last_value = from.offsets[e];
      for (std::uint64_t r = b; r <= e; ++r) to.offsets.push_back(from.offsets[r] - first_value);
    }
    const auto at = [&](std::uint64_t v) {
      return from.values.begin() + static_cast<std::ptrdiff_t>(v * info.dtype.size);
    };
    to.values.assign(at(first_value), at(last_value));
    out.columns.push_back(std::move(to));
  }
  return out;
}

namespace {

class HayTableReader final : public TableReader {
 public:
  explicit HayTableReader(const std::string& path) : table_(path) {}
  [[nodiscard]] const Schema& schema() const override { return table_.schema(); }
  [[nodiscard]] std::uint64_t file_bytes() const override { return table_.file().file_bytes(); }
  [[nodiscard]] Chunk read(std::uint64_t first_row, std::uint64_t rows) const override {
    const std::size_t columns = schema().columns.size();
    std::vector<std::uint32_t> all(columns);
    for (std::size_t c = 0; c < columns; ++c) all[c] = static_cast<std::uint32_t>(c);
    const std::uint64_t last = first_row + std::min(rows, UINT64_MAX - first_row);
    Chunk out;
    out.first_row = first_row;
    out.columns.resize(columns);
    for (std::size_t c = 0; c < columns; ++c)
      if (schema().columns[c].layout == Layout::Jagged) out.columns[c].offsets.push_back(0);
    const std::uint64_t step = table_.file().header().chunk_rows;
    for (std::uint64_t k = first_row / step; k < table_.chunks() && k * step < last; ++k) {
      const Chunk piece =
          slice(schema(), table_.decode_chunk(k, std::vector<bool>(columns, true)), first_row, last, all, 0);
      out.rows += piece.rows;
      for (std::size_t c = 0; c < columns; ++c) {
        ColumnData& to = out.columns[c];
        const ColumnData& from = piece.columns[c];
        for (std::size_t r = 1; r < from.offsets.size(); ++r)
          to.offsets.push_back(to.values.size() / schema().columns[c].dtype.size + from.offsets[r]);
        to.values.insert(to.values.end(), from.values.begin(), from.values.end());
        to.rows += from.rows;
      }
    }
    return out;
  }

 private:
  HayTable table_;
};

}  // namespace

std::unique_ptr<TableReader> open_hay(const std::string& path) { return std::make_unique<HayTableReader>(path); }

}  // namespace haywatt
