#include "codec/baler_golden.hpp"

#include <algorithm>
#include <cmath>

namespace haywatt::baler::test {

void fill(Model& model, std::uint64_t seed) {
  Lcg g(seed);
  for (std::vector<Linear>* half : {&model.encoder, &model.decoder}) {
    for (Linear& layer : *half) {
      const double reach = 1.0 / std::sqrt(static_cast<double>(layer.inputs));
      for (std::vector<double>* values : {&layer.weight, &layer.bias}) {
        for (double& v : *values) {
          v = (2.0 * g.next() - 1.0) * reach;
          if (model.float32) v = static_cast<double>(static_cast<float>(v));
        }
      }
    }
  }
}

void MemoryTable::add(const std::string& name, const DType& type, ByteVector values, Layout layout,
                      std::vector<std::uint64_t> inner_shape, std::vector<std::uint64_t> offsets) {
  ColumnInfo info;
  info.name = name;
  info.dtype = type;
  info.layout = layout;
  info.inner_shape = std::move(inner_shape);
  info.rows = layout == Layout::Jagged ? offsets.size() - 1 : values.size() / type.size / info.values_per_row();
  columns_.push_back({info.rows, std::move(values), std::move(offsets)});
  schema_.columns.push_back(std::move(info));
}

Chunk MemoryTable::read(std::uint64_t first_row, std::uint64_t rows) const {
  Chunk chunk;
  chunk.first_row = first_row;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const ColumnInfo& info = schema_.columns[c];
    const ColumnData& all = columns_[c];
    const std::uint64_t first = std::min(first_row, info.rows);
    const std::uint64_t last = std::min(first + rows, info.rows);
    ColumnData part;
    part.rows = last - first;
    std::uint64_t from = first * info.values_per_row();
    std::uint64_t to = last * info.values_per_row();
    if (info.layout == Layout::Jagged) {
      from = all.offsets[first];
      to = all.offsets[last];
      for (std::uint64_t r = first; r <= last; ++r) part.offsets.push_back(all.offsets[r] - from);
    }
    part.values.assign(all.values.begin() + static_cast<std::ptrdiff_t>(from * info.dtype.size),
                       all.values.begin() + static_cast<std::ptrdiff_t>(to * info.dtype.size));
    chunk.rows = std::max(chunk.rows, part.rows);
    chunk.columns.push_back(std::move(part));
  }
  return chunk;
}

}  // namespace haywatt::baler::test
