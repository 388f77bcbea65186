#include "data/strided.hpp"

#include <cstring>

namespace haywatt::data {
namespace {

template <class T>
void copy_items(std::byte* to, std::size_t to_stride, const std::byte* from, std::size_t from_stride,
                std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, sizeof(T));
}

template <class T, class Swap>
void swap_items(std::span<std::byte> items, Swap swap) noexcept {
  for (std::size_t i = 0; i + sizeof(T) <= items.size(); i += sizeof(T)) {
    T v;
    std::memcpy(&v, items.data() + i, sizeof v);
    v = static_cast<T>(swap(v));
    std::memcpy(items.data() + i, &v, sizeof v);
  }
}

}  // namespace

void copy_strided(std::byte* to, std::size_t to_stride, const std::byte* from, std::size_t from_stride,
                  std::size_t count, std::size_t item) noexcept {
  if (to_stride == item && from_stride == item) {
    if (count > 0) std::memcpy(to, from, count * item);
    return;
  }
  switch (item) {
    case 1:
      return copy_items<std::uint8_t>(to, to_stride, from, from_stride, count);
    case 2:
      return copy_items<std::uint16_t>(to, to_stride, from, from_stride, count);
    case 4:
      return copy_items<std::uint32_t>(to, to_stride, from, from_stride, count);
    default:
      return copy_items<std::uint64_t>(to, to_stride, from, from_stride, count);
  }
}

void swap_bytes(std::span<std::byte> items, std::size_t item) noexcept {
  switch (item) {
    case 2:
      return swap_items<std::uint16_t>(items, [](std::uint16_t v) { return __builtin_bswap16(v); });
    case 4:
      return swap_items<std::uint32_t>(items, [](std::uint32_t v) { return __builtin_bswap32(v); });
    case 8:
      return swap_items<std::uint64_t>(items, [](std::uint64_t v) { return __builtin_bswap64(v); });
    default:
      return;
  }
}

FortranWalk::FortranWalk(std::span<const std::uint64_t> shape)
    : shape_(shape.begin(), shape.end()), strides_(shape.size(), 1), at_(shape.size(), 0) {
  for (std::size_t axis = shape_.size(); axis-- > 1;) strides_[axis - 1] = strides_[axis] * shape_[axis];
}

void FortranWalk::next() {
  for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
    c_index_ += strides_[axis];
    if (++at_[axis] < shape_[axis]) return;
    c_index_ -= strides_[axis] * shape_[axis];
    at_[axis] = 0;
  }
}

}  // namespace haywatt::data
