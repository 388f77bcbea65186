/// The simple case of a method: every column of a chunk is coded by itself. Implement ColumnCodec, and
/// ColumnMethod makes the Encoder and Decoder; jagged columns arrive as flat values, their lengths are coded for you.
#pragma once
#include <memory>
#include <string>

#include "haywatt/codec/method.hpp"

namespace haywatt {

/// What a column codec is told of the column. `rows` and `inner_shape` give the array's shape: (rows, inner…);
/// for jagged columns `rows` is the number of values. `values` = rows * values_per_row.
struct ColumnTask {
  DType type;
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> inner_shape;
  std::uint64_t values = 0;
  ResolvedBound bound;
};

/// Must be stateless after construction, thread-safe and deterministic.
class ColumnCodec {
 public:
  virtual ~ColumnCodec() = default;
  [[nodiscard]] virtual ByteVector encode(const ColumnTask& task, ByteSpan values) const = 0;
  /// Exactly task.values * task.type.size bytes, or Error(BadInput).
  [[nodiscard]] virtual ByteVector decode(const ColumnTask& task, ByteSpan stream) const = 0;
};

/// Base of column-wise methods: implement make_codec (encoding, from options) and make_decoding_codec.
class ColumnMethod : public Method {
 public:
  [[nodiscard]] std::unique_ptr<Encoder> make_encoder(const MethodSpec& spec) const override;
  [[nodiscard]] std::unique_ptr<Decoder> make_decoder(const TableContext& context, ByteSpan model) const override;

 protected:
  [[nodiscard]] virtual std::unique_ptr<ColumnCodec> make_codec(const MethodSpec& spec) const = 0;
  [[nodiscard]] virtual std::unique_ptr<ColumnCodec> make_decoding_codec() const = 0;
};

}  // namespace haywatt
