#include "codec/classical/packed_words.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

enum Mode : std::uint8_t { stored = 0, constant = 1, compressed = 2 };
constexpr std::uint8_t differences_flag = 1;

unsigned bytes_needed(std::span<const std::uint64_t> words) {
  std::uint64_t all = 0;
  for (const std::uint64_t w : words) all |= w;
  return static_cast<unsigned>(std::bit_width(all) + 7) / 8;
}

Words differences(std::span<const std::uint64_t> words) {
  Words d(words.size());
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t v = words[i] - before;
    d[i] = (v << 1) ^ (std::uint64_t{0} - (v >> 63));
    before = words[i];
  }
  return d;
}

void undo_differences(Words& words) {
  std::uint64_t before = 0;
  for (std::uint64_t& w : words) {
    before += (w >> 1) ^ (std::uint64_t{0} - (w & 1));
    w = before;
  }
}

/// Bytes that an ideal order-0 coder of each plane needs: good enough to choose between two ways to write the same.
double estimated_bytes(std::span<const std::uint64_t> words, unsigned width) {
  std::array<std::array<std::uint32_t, 256>, 8> counts{};
  for (const std::uint64_t w : words)
    for (unsigned k = 0; k < width; ++k) ++counts[k][(w >> (8 * k)) & 255];
  const double n = static_cast<double>(words.size());
  double bits = 0;
  for (unsigned k = 0; k < width; ++k)
    for (const std::uint32_t c : counts[k])
      if (c != 0) bits += c * std::log2(n / c);
  return bits / 8;
}

void put_block(ByteWriter& out, ByteSpan raw, unsigned element_size, const ByteCompressor& compressor) {
  const auto smaller = compressor.compress(raw, element_size);
  if (smaller && smaller->size() < raw.size()) {
    out.put<std::uint8_t>(compressed);
    out.put_varint(smaller->size());
    out.put_bytes(*smaller);
  } else {
    out.put<std::uint8_t>(stored);
    out.put_bytes(raw);
  }
}

void put_planes(ByteWriter& out, std::span<const std::uint64_t> words, unsigned width,
                const ByteCompressor& compressor) {
  ByteVector plane(words.size());
  for (unsigned k = 0; k < width; ++k) {
    extract_plane(words, k, plane);
    if (std::all_of(plane.begin(), plane.end(), [&](std::byte b) { return b == plane.front(); })) {
      out.put<std::uint8_t>(constant);
      out.put_bytes(ByteSpan(plane).first(1));
    } else {
      put_block(out, plane, 1, compressor);
    }
  }
}

void get_block(ByteReader& in, std::uint8_t mode, std::span<std::byte> block, unsigned element_size,
               const ByteCompressor& compressor) {
  if (mode == stored) {
    const ByteSpan raw = in.get_bytes(block.size());
    std::copy(raw.begin(), raw.end(), block.begin());
  } else if (mode == compressed) {
    compressor.decompress(in.get_bytes(in.get_varint()), block, element_size);
  } else {
    fail_input("damaged column stream: unknown block mode " + std::to_string(mode));
  }
}

Words get_planes(ByteReader& in, std::uint64_t count, unsigned width, const ByteCompressor& compressor) {
  Words words(count, 0);
  ByteVector plane(count);
  for (unsigned k = 0; k < width; ++k) {
    const auto mode = in.get<std::uint8_t>();
    if (mode == constant)
      std::fill(plane.begin(), plane.end(), in.get_bytes(1)[0]);
    else
      get_block(in, mode, plane, 1, compressor);
    merge_plane(plane, k, words);
  }
  return words;
}

}  // namespace

void put_words(ByteWriter& out, std::span<const std::uint64_t> words, const ByteCompressor& compressor) {
  unsigned width = bytes_needed(words);
  std::uint8_t flags = 0;
  Words changed;
  if (width > 0 && words.size() > 1) {
    Words d = differences(words);
    const unsigned d_width = bytes_needed(d);
    // Differences hide repeated patterns from the compressor, so they must win clearly.
    if (estimated_bytes(d, d_width) < 0.95 * estimated_bytes(words, width)) {
      changed = std::move(d);
      words = changed;
      width = d_width;
      flags = differences_flag;
    }
  }
  if (!compressor.wants_planes()) width = width == 0 ? 0 : std::bit_ceil(width);
  out.put(static_cast<std::uint8_t>(width));
  out.put(flags);
  if (width == 0) return;
  if (compressor.wants_planes())
    put_planes(out, words, width, compressor);
  else
    put_block(out, store_words(words, width), width, compressor);
}

Words get_words(ByteReader& in, std::uint64_t count, const ByteCompressor& compressor) {
  const unsigned width = in.get<std::uint8_t>();
  const auto flags = in.get<std::uint8_t>();
  if (width > 8 || flags > differences_flag) fail_input("damaged column stream: unknown width or flags");
  if (width == 0) return Words(count, 0);
  Words words;
  if (compressor.wants_planes()) {
    words = get_planes(in, count, width, compressor);
  } else {
    if (!std::has_single_bit(width)) fail_input("damaged column stream: elements of an odd size");
    ByteVector block(count * width);
    get_block(in, in.get<std::uint8_t>(), block, width, compressor);
    words = load_words(block, width);
  }
  if ((flags & differences_flag) != 0) undo_differences(words);
  return words;
}

}  // namespace haywatt
