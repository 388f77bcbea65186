#include "codec/baler/plain_column.hpp"

#include <limits>

#include "codec/baler/packing.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

std::uint64_t checked_product(std::uint64_t a, std::uint64_t b) {
  if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b)
    fail_input("baler stream is damaged: a column of impossible size");
  return a * b;
}

}  // namespace

ByteVector encode_plain(const ColumnInfo& info, const ColumnData& data) {
  ByteWriter out;
  if (info.layout == Layout::Jagged) {
    ByteWriter lengths;
    for (std::size_t i = 0; i + 1 < data.offsets.size(); ++i)
      lengths.put<std::uint64_t>(data.offsets[i + 1] - data.offsets[i]);
    out.put_block(zstd_pack(shuffle(lengths.view(), sizeof(std::uint64_t)), final_level));
  }
  out.put_bytes(zstd_pack(shuffle(data.values, info.dtype.size), final_level));
  return out.take();
}

ColumnData decode_plain(const ColumnInfo& info, ByteSpan stream, std::uint64_t rows) {
  ColumnData data;
  data.rows = rows;
  ByteReader in(stream, "baler stream");
  std::uint64_t values = checked_product(rows, info.values_per_row());
  if (info.layout == Layout::Jagged) {
    const ByteVector lengths =
        unshuffle(zstd_unpack(in.get_block(), checked_product(rows, sizeof(std::uint64_t))), sizeof(std::uint64_t));
    ByteReader each(lengths, "baler stream");
    data.offsets.reserve(static_cast<std::size_t>(rows) + 1);
    data.offsets.push_back(0);
    values = 0;
    for (std::uint64_t i = 0; i < rows; ++i) {
      const auto length = each.get<std::uint64_t>();
      if (length > std::numeric_limits<std::uint64_t>::max() - values)
        fail_input("baler stream is damaged: a column of impossible size");
      values += length;
      data.offsets.push_back(values);
    }
  }
  const std::uint64_t bytes = checked_product(values, info.dtype.size);
  data.values = unshuffle(zstd_unpack(in.get_bytes(in.remaining()), bytes), info.dtype.size);
  return data;
}

}  // namespace haywatt::baler
