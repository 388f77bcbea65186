/// What a compressed.npz of ours holds beside Baler's three arrays: values stored as they are, and what is where.
/// docs/baler.md, "Error bound of a project".
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/data/npz_arrays.hpp"

namespace haywatt::baler {

struct ExactValues {
  std::vector<std::uint64_t> positions;  ///< row * columns + column, strictly rising
  std::vector<double> values;
};

/// Array `haywatt` of five int64.
struct ProjectMark {
  std::uint64_t corrections = 0;         ///< in the two files beside
  std::uint64_t exact_values = 0;        ///< in the arrays haywatt_gaps and haywatt_values
  std::array<std::uint32_t, 2> frame{};  ///< height, width of the images before they were cut into blocks; 0: not cut
};

void write_mark(NpzFileWriter& file, const ProjectMark& mark);
/// Nothing if the file is Baler's. Error(BadInput) for a version we do not know.
[[nodiscard]] std::optional<ProjectMark> read_mark(const NpzArrays& file);

/// `single`: the values are exactly floats.
void write_exact_values(NpzFileWriter& file, const ExactValues& values, bool single);
/// Error(BadInput) unless there are `count`, at positions below `end`.
[[nodiscard]] ExactValues read_exact_values(const NpzArrays& file, std::uint64_t count, std::uint64_t end);

}  // namespace haywatt::baler
