/// Copies between arrays of structures and structures of arrays, and byte orders.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace haywatt::data {

/// `count` items of `item` (1, 2, 4 or 8) bytes, each `*_stride` bytes after the one before.
void copy_strided(std::byte* to, std::size_t to_stride, const std::byte* from, std::size_t from_stride,
                  std::size_t count, std::size_t item) noexcept;

/// Reverses the bytes of every item.
void swap_bytes(std::span<std::byte> items, std::size_t item) noexcept;

/// Visits the positions of an array of `shape` in Fortran order (first axis fastest) and says where each lies in C
/// order. Memory: the number of axes.
class FortranWalk {
 public:
  explicit FortranWalk(std::span<const std::uint64_t> shape);
  [[nodiscard]] std::uint64_t c_index() const { return c_index_; }
  void next();

 private:
  std::vector<std::uint64_t> shape_, strides_, at_;
  std::uint64_t c_index_ = 0;
};

}  // namespace haywatt::data
