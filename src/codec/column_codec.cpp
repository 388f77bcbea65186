#include "haywatt/codec/column_codec.hpp"

#include <numeric>

#include "codec/classical/packed_words.hpp"
#include "codec/classical/zstd_compressor.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt {
namespace {

/// List lengths of a jagged column say how many values follow, and a constant needs few bytes for many: this much
/// memory a stream may ask for.
constexpr std::uint64_t most_jagged_bytes = std::uint64_t{1} << 32;

const ByteCompressor& lengths_compressor() {
  static const auto compressor = make_zstd_compressor(3);
  return *compressor;
}

/// The parts of a TableContext that are needed after it may be gone.
struct Columns {
  explicit Columns(const TableContext& context) : infos(context.schema->columns), bounds(*context.bounds) {
    if (infos.size() != bounds.size()) fail_usage("a bound for every column is needed");
  }
  [[nodiscard]] ColumnTask task(std::size_t c, std::uint64_t rows) const {
    const ColumnInfo& info = infos[c];
    ColumnTask t;
    t.type = info.dtype;
    t.rows = rows;
    t.bound = bounds[c];
    if (info.layout == Layout::FixedShape) t.inner_shape = info.inner_shape;
    const std::uint64_t per_row = info.layout == Layout::FixedShape ? info.values_per_row() : 1;
    if (__builtin_mul_overflow(rows, per_row, &t.values)) fail_input("column " + info.name + " has an absurd size");
    return t;
  }
  std::vector<ColumnInfo> infos;
  std::vector<ResolvedBound> bounds;
};

class ColumnEncoder : public Encoder {
 public:
  explicit ColumnEncoder(std::unique_ptr<ColumnCodec> codec) : codec_(std::move(codec)) {}

  [[nodiscard]] ByteVector prepare(const TableReader&, const TableContext& context,
                                   const std::vector<ColumnStatistics>&, int) override {
    columns_.emplace(context);
    return {};
  }

  [[nodiscard]] EncodedChunk encode(const Chunk& chunk) const override {
    EncodedChunk out;
    for (std::size_t c = 0; c < chunk.columns.size(); ++c) out.columns.push_back(encode_column(c, chunk.columns[c]));
    return out;
  }

 private:
  [[nodiscard]] ByteVector encode_column(std::size_t c, const ColumnData& data) const {
    const ScopedOperator op({"encode column", columns_->infos[c].name, columns_->infos[c].dtype.name()},
                            moved_bytes(data.values.size(), -1.0));
    if (columns_->infos[c].layout != Layout::Jagged) return codec_->encode(columns_->task(c, data.rows), data.values);
    if (data.values.size() > most_jagged_bytes)
      fail_usage("column " + columns_->infos[c].name + ": a chunk of it exceeds 4 GiB; use fewer rows a chunk");
    Words lengths(data.rows);
    for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = data.offsets[i + 1] - data.offsets[i];
    ByteWriter packed;
    put_words(packed, lengths, lengths_compressor());
    ByteWriter out;
    out.put_block(packed.view());
    out.put_bytes(codec_->encode(columns_->task(c, data.value_count(columns_->infos[c].dtype)), data.values));
    return out.take();
  }

  std::unique_ptr<ColumnCodec> codec_;
  std::optional<Columns> columns_;
};

class ColumnDecoder : public Decoder {
 public:
  ColumnDecoder(std::unique_ptr<ColumnCodec> codec, const TableContext& context)
      : codec_(std::move(codec)), columns_(context) {}

  [[nodiscard]] Chunk decode(const EncodedChunkView& view, const std::vector<bool>& wanted) const override {
    const std::size_t n = columns_.infos.size();
    if (view.columns.size() != n || view.column_rows.size() != n || wanted.size() != n)
      fail_input("damaged chunk: another number of columns than the header says");
    if (!view.shared.empty()) fail_input("damaged chunk: unexpected shared streams");
    Chunk chunk;
    chunk.rows = view.rows;
    chunk.columns.resize(n);
    for (std::size_t c = 0; c < n; ++c)
      if (wanted[c]) chunk.columns[c] = decode_column(c, view.column_rows[c], view.columns[c]);
    return chunk;
  }

 private:
  [[nodiscard]] ColumnData decode_column(std::size_t c, std::uint64_t rows, ByteSpan stream) const {
    const ScopedOperator op({"decode column", columns_.infos[c].name, columns_.infos[c].dtype.name()},
                            moved_bytes(stream.size(), -1.0));
    ColumnData data;
    data.rows = rows;
    if (columns_.infos[c].layout == Layout::Jagged) {
      ByteReader in(stream, "column " + columns_.infos[c].name);
      data.offsets = decode_offsets(in.get_block(), rows, columns_.infos[c]);
      stream = in.get_bytes(in.remaining());
    }
    const ColumnTask task = columns_.task(c, data.offsets.empty() ? rows : data.offsets.back());
    data.values = codec_->decode(task, stream);
    if (data.values.size() != task.values * task.type.size)
      fail_input("damaged column " + columns_.infos[c].name + ": another number of values than the header says");
    return data;
  }

  [[nodiscard]] static std::vector<std::uint64_t> decode_offsets(ByteSpan packed, std::uint64_t rows,
                                                                 const ColumnInfo& info) {
    ByteReader in(packed, "list lengths");
    const Words lengths = get_words(in, rows, lengths_compressor());
    in.expect_end();
    std::vector<std::uint64_t> offsets{0};
    offsets.reserve(lengths.size() + 1);
    for (const std::uint64_t length : lengths) {
      if (length > most_jagged_bytes / info.dtype.size - offsets.back())
        fail_input("damaged column " + info.name + ": its list lengths are absurd");
      offsets.push_back(offsets.back() + length);
    }
    return offsets;
  }

  std::unique_ptr<ColumnCodec> codec_;
  Columns columns_;
};

}  // namespace

std::unique_ptr<Encoder> ColumnMethod::make_encoder(const MethodSpec& spec) const {
  check_options(*this, spec);
  if (const std::string reason = unavailable_reason(); !reason.empty()) fail_unavailable(name() + ": " + reason);
  return std::make_unique<ColumnEncoder>(make_codec(spec));
}

std::unique_ptr<Decoder> ColumnMethod::make_decoder(const TableContext& context, ByteSpan model) const {
  if (!model.empty()) fail_input("method " + name() + " has no model section, but the file carries one");
  if (const std::string reason = unavailable_reason(); !reason.empty()) fail_unavailable(name() + ": " + reason);
  return std::make_unique<ColumnDecoder>(make_decoding_codec(), context);
}

}  // namespace haywatt
