/// The header of a .npy array, versions 1, 2 and 3.
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_source.hpp"
#include "data/descr.hpp"

namespace haywatt::data {

struct NpyHeader {
  std::string descr;  ///< the type string as written
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;
  Descr type;  ///< Numeric or Text
  [[nodiscard]] std::uint64_t data_bytes() const;
};

/// Reads and checks the header at the start of `source`: a known type, a shape without overflow, and exactly as many
/// bytes after it as the shape says. Error(BadInput) otherwise, its line starting with `what` ("jets.npz: array 'pt'").
[[nodiscard]] NpyHeader read_npy_header(const ByteSource& source, const std::string& what);

/// The literal of the header alone, "{'descr': '<f4', ...}"; for read_npy_header and its tests. Only descr,
/// fortran_order and shape are filled. A list as descr (structured types) becomes "V".
[[nodiscard]] NpyHeader parse_npy_literal(std::string_view text, const std::string& what);

/// Magic, version and padded literal exactly as numpy 1.23 and later write them, a multiple of 64 bytes.
[[nodiscard]] std::string make_npy_header(std::string_view descr, bool fortran_order,
                                          std::span<const std::uint64_t> shape);

}  // namespace haywatt::data
