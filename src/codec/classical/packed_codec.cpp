#include "codec/classical/packed_codec.hpp"

#include <algorithm>
#include <bit>

#include "codec/classical/bit_rounding.hpp"
#include "codec/classical/lattice.hpp"
#include "codec/classical/packed_words.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

enum Form : std::uint8_t { bits = 1, integers = 2, lattice = 3, constant = 4 };

bool all_equal(ByteSpan values, std::size_t size) {
  return values.size() <= size ||
         std::equal(values.begin() + static_cast<std::ptrdiff_t>(size), values.end(), values.begin());
}

/// What a correction of one value costs: the value and its place.
std::uint64_t correction_bytes(const DType& type) { return type.size + 2U; }

}  // namespace

ByteVector PackedCodec::encode_bits(const ColumnTask& task, ByteSpan values) const {
  Words words = load_words(values, task.type.size);
  std::uint64_t all = 0;
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
  for (const std::uint64_t w : words) all |= w;
  const unsigned shift = all == 0 ? 0 : static_cast<unsigned>(std::countr_zero(all));
  for (std::uint64_t& w : words) {
    w >>= shift;
    least = std::min(least, w);
    most = std::max(most, w);
  }
  // Subtracting the minimum moves the byte borders, so it must save a whole plane.
  if ((std::bit_width(most - least) + 7) / 8 < (std::bit_width(most) + 7) / 8)
    for (std::uint64_t& w : words) w -= least;
  else
    least = 0;
  ByteWriter out;
  out.put<std::uint8_t>(bits);
  out.put_varint(least);
  out.put(static_cast<std::uint8_t>(shift));
  put_words(out, words, *compressor_);
  return out.take();
}

ByteVector PackedCodec::encode_integers(const ColumnTask& task, ByteSpan values) const {
  const bool lossy = task.bound.kind == BoundKind::Abs && task.type.kind != ScalarKind::Bool;
  IntegerLattice l;
  const Words words = quantise_integers(task.type, values, lossy ? task.bound.epsilon : 0.0, l);
  ByteWriter out;
  out.put<std::uint8_t>(integers);
  out.put(l.minimum);
  out.put_varint(l.step);
  put_words(out, words, *compressor_);
  return out.take();
}

ByteVector PackedCodec::encode_lattice(const FloatIndices& indices) const {
  ByteWriter out;
  out.put<std::uint8_t>(lattice);
  out.put(indices.lattice.base);
  out.put(indices.lattice.step);
  out.put(indices.lattice.first);
  put_words(out, indices.words, *compressor_);
  return out.take();
}

ByteVector PackedCodec::encode_floats(const ColumnTask& task, ByteSpan values) const {
  if (task.bound.kind == BoundKind::Rel || task.bound.kind == BoundKind::Bits) {
    ByteVector rounded(values.begin(), values.end());
    round_for_bound(task.type, rounded, task.bound);
    return encode_bits(task, rounded);
  }
  if (task.bound.kind != BoundKind::Abs) {
    const auto whole = quantise_whole_floats(task.type, values);
    return whole ? encode_lattice(*whole) : encode_bits(task, values);
  }
  const auto indices = quantise_floats(task.type, values, task.bound.epsilon);
  if (!indices) return encode_bits(task, values);
  ByteVector lossy = encode_lattice(*indices);
  const std::uint64_t cost = lossy.size() + indices->misses * correction_bytes(task.type);
  // Without many misses narrow indices beat the bits they came from; only then is a second encoding saved.
  if (indices->misses < task.values / 64 && cost < values.size() / 2) return lossy;
  ByteVector exact = encode_bits(task, values);
  return exact.size() < cost ? exact : lossy;
}

ByteVector PackedCodec::encode(const ColumnTask& task, ByteSpan values) const {
  if (values.empty()) return {};
  if (all_equal(values, task.type.size)) {
    ByteWriter out;
    out.put<std::uint8_t>(constant);
    out.put_bytes(values.first(task.type.size));
    return out.take();
  }
  return task.type.is_float() ? encode_floats(task, values) : encode_integers(task, values);
}

ByteVector PackedCodec::decode(const ColumnTask& task, ByteSpan stream) const {
  if (task.values > (std::uint64_t{1} << 40)) fail_input("damaged column stream: absurd number of values");
  ByteReader in(stream, "column stream");
  ByteVector values;
  if (task.values > 0) {
    const auto form = in.get<std::uint8_t>();
    if (form == bits) {
      const std::uint64_t least = in.get_varint();
      const unsigned shift = in.get<std::uint8_t>();
      if (shift > 63) fail_input("damaged column stream: shift out of range");
      Words words = get_words(in, task.values, *compressor_);
      for (std::uint64_t& w : words) w = (w + least) << shift;
      values = store_words(words, task.type.size);
    } else if (form == integers && !task.type.is_float()) {
      IntegerLattice l;
      l.minimum = in.get<std::uint64_t>();
      l.step = in.get_varint();
      values = reconstruct_integers(task.type, l, get_words(in, task.values, *compressor_));
    } else if (form == lattice && task.type.is_float()) {
      FloatLattice l;
      l.base = in.get<double>();
      l.step = in.get<double>();
      l.first = in.get<std::int64_t>();
      values = reconstruct_floats(task.type, l, get_words(in, task.values, *compressor_));
    } else if (form == constant) {
      const ByteSpan one = in.get_bytes(task.type.size);
      values.reserve(task.values * task.type.size);
      for (std::uint64_t i = 0; i < task.values; ++i) values.insert(values.end(), one.begin(), one.end());
    } else {
      fail_input("damaged column stream: unknown form " + std::to_string(form));
    }
  }
  in.expect_end();
  return values;
}

}  // namespace haywatt
