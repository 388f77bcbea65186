#include "codec/baler/project/row_source.hpp"

#include <algorithm>

#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "a single value" : text;
}

std::uint64_t rows_in(std::uint64_t bytes, const ProjectModel& model) {
  constexpr std::uint64_t simd_block = 64;
  const std::uint64_t rows = std::max<std::uint64_t>(1, bytes / (8 * model.features()));
  return rows > simd_block ? rows / simd_block * simd_block : rows;
}

}  // namespace

RowSource::RowSource(const ProjectModel& model, const std::string& path)
    : file_(std::make_unique<NpzArrays>(path, reading)), array_(&file_->array("data")), features_(model.features()) {
  const ProjectSettings& s = model.settings;
  const auto& shape = array_->shape;
  const std::string what = path + ": data is " + shape_text(shape);
  if (array_->text) fail_input(path + ": data is text, not numbers");
  const std::size_t dimensions = s.data_dimension == 1 ? 2 : 3;
  if (shape.size() != dimensions)
    fail_input(what + ", the project's is " +
               (dimensions == 2 ? "a table, rows x columns" : "images, number x height x width"));
  if (s.block[0] != 0) {
    const std::uint64_t values = array_->rows() * array_->values_per_row();
    if (values % features_ != 0)
      fail_input(what + ", which cannot be cut into blocks of " + std::to_string(s.block[0]) + " x " +
                 std::to_string(s.block[1]));
    rows_ = values / features_;
  } else {
    if (array_->values_per_row() != features_)
      fail_input(what + ", but the model takes rows of " + std::to_string(features_) + " values");
    const bool frame_differs =
        dimensions == 3 && model.frame[0] != 0 && (shape[1] != model.frame[0] || shape[2] != model.frame[1]);
    if (frame_differs)
      fail_input(what + ", but the project's images are " + std::to_string(model.frame[0]) + " x " +
                 std::to_string(model.frame[1]));
    rows_ = array_->rows();
  }
  if (rows_ == 0) fail_input(what + ": there is nothing to compress");
}

ByteVector RowSource::read(std::uint64_t first, std::uint64_t rows) const {
  const std::uint64_t per_row = array_->values_per_row();
  if (per_row == features_) return file_->read("data", first, rows);
  // Blocks are runs of the values in C order, wherever in frames these begin and end.
  const std::uint64_t begin = first * features_, end = begin + rows * features_;
  const std::uint64_t first_frame = begin / per_row, last_frame = (end + per_row - 1) / per_row;
  ByteVector frames = file_->read("data", first_frame, last_frame - first_frame);
  const std::size_t item = array_->dtype.size;
  const auto skip = static_cast<std::ptrdiff_t>((begin - first_frame * per_row) * item);
  return {frames.begin() + skip, frames.begin() + skip + static_cast<std::ptrdiff_t>((end - begin) * item)};
}

std::uint64_t rows_per_chunk(const ProjectModel& model) { return rows_in(std::uint64_t{2} << 20, model); }
std::uint64_t rows_per_block(const ProjectModel& model) {
  // Wide rows: a block of SIMD lanes all the same, or the layers would run on part of one.
  return std::min(rows_per_chunk(model), std::max<std::uint64_t>(64, rows_in(std::uint64_t{200} << 10, model)));
}

}  // namespace haywatt::baler
