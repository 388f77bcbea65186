#include "codec/classical/shuffle.hpp"

#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

template <class F>
void visit_size(unsigned size, F&& f) {
  switch (size) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    case 8:
      return f(std::uint64_t{});
    default:
      fail_input("values of " + std::to_string(size) + " bytes");
  }
}

}  // namespace

void extract_plane(std::span<const std::uint64_t> words, unsigned index, std::span<std::byte> plane) {
  const unsigned shift = 8 * index;
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = static_cast<std::byte>(words[i] >> shift);
}

void merge_plane(ByteSpan plane, unsigned index, std::span<std::uint64_t> words) {
  const unsigned shift = 8 * index;
  for (std::size_t i = 0; i < plane.size(); ++i) words[i] |= static_cast<std::uint64_t>(plane[i]) << shift;
}

Words load_words(ByteSpan bytes, unsigned size) {
  Words words(bytes.size() / size);
  visit_size(size, [&]<class T>(T) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      T v;
      std::memcpy(&v, bytes.data() + i * sizeof(T), sizeof(T));
      words[i] = v;
    }
  });
  return words;
}

ByteVector store_words(std::span<const std::uint64_t> words, unsigned size) {
  ByteVector bytes(words.size() * size);
  visit_size(size, [&]<class T>(T) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const T v = static_cast<T>(words[i]);
      std::memcpy(bytes.data() + i * sizeof(T), &v, sizeof(T));
    }
  });
  return bytes;
}

}  // namespace haywatt
