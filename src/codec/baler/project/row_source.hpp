/// The rows that a project's network sees, in an .npz: a table's, frames, or blocks cut from frames.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "haywatt/codec/baler/project.hpp"
#include "haywatt/data/npz_arrays.hpp"

namespace haywatt::baler {

/// Thread-safe.
class RowSource {
 public:
  /// Error(BadInput) if the shape of `data` is not what the model takes.
  RowSource(const ProjectModel& model, const std::string& path);
  [[nodiscard]] const NpzArrays& file() const { return *file_; }
  [[nodiscard]] const DType& type() const { return array_->dtype; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] std::uint64_t features() const { return features_; }
  [[nodiscard]] const std::vector<std::uint64_t>& shape() const { return array_->shape; }
  /// Values of rows [first, first + rows), C order.
  [[nodiscard]] ByteVector read(std::uint64_t first, std::uint64_t rows) const;

 private:
  std::unique_ptr<NpzArrays> file_;
  const NpzArrays::Array* array_ = nullptr;
  std::uint64_t features_ = 0, rows_ = 0;
};

/// Deflated arrays are unpacked into memory up to this, beyond it into a temporary file.
inline constexpr ReadOptions reading = {std::uint64_t{32} << 20};

/// Rows to work on at once: near 2 MB of doubles, whole SIMD blocks.
[[nodiscard]] std::uint64_t rows_per_chunk(const ProjectModel& model);
/// Rows of a chunk that are scaled and run through the layers together, so that what lies between is still in the
/// second-level cache: near 200 kB of doubles, whole SIMD blocks.
[[nodiscard]] std::uint64_t rows_per_block(const ProjectModel& model);

}  // namespace haywatt::baler
