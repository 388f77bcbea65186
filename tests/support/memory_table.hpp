/// Tables in memory, and random ones, for tests of codecs and the pipeline.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/data/table_io.hpp"

namespace haywatt::test {

class MemoryTable final : public TableReader {
 public:
  MemoryTable() { schema_.format = "npz"; }
  void add(ColumnInfo info, ColumnData data) {
    info.source_array = static_cast<std::uint32_t>(schema_.arrays.size());
    SourceArray array;
    array.key = info.name;
    array.role = info.layout == Layout::FixedShape ? ArrayRole::Field : ArrayRole::Column;
    const char kind = info.dtype.kind == ScalarKind::Float  ? 'f'
                      : info.dtype.kind == ScalarKind::Bool ? 'b'
                      : info.dtype.kind == ScalarKind::Int  ? 'i'
                                                            : 'u';
    array.descr = std::string(info.dtype.size == 1 ? "|" : "<") + kind + std::to_string(info.dtype.size);
    array.shape = {info.rows};
    array.shape.insert(array.shape.end(), info.inner_shape.begin(), info.inner_shape.end());
    schema_.arrays.push_back(std::move(array));
    schema_.columns.push_back(std::move(info));
    data_.push_back(std::move(data));
  }
  template <class T>
  void add_flat(const std::string& name, DType type, const std::vector<T>& values) {
    ColumnInfo info;
    info.name = name;
    info.dtype = type;
    info.rows = values.size();
    ColumnData data;
    data.rows = values.size();
    data.values.resize(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(data.values.data(), values.data(), data.values.size());
    add(std::move(info), std::move(data));
  }
  Schema& mutable_schema() { return schema_; }
  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return schema_.raw_bytes(); }
  [[nodiscard]] Chunk read(std::uint64_t first, std::uint64_t rows) const override {
    Chunk chunk;
    chunk.first_row = first;
    const std::uint64_t longest = schema_.rows();
    chunk.rows = first >= longest ? 0 : std::min(rows, longest - first);
    for (std::size_t c = 0; c < data_.size(); ++c) {
      const ColumnInfo& info = schema_.columns[c];
      const std::uint64_t begin = std::min(first, info.rows);
      const std::uint64_t end = begin + std::min(rows, info.rows - begin);
      ColumnData part;
      part.rows = end - begin;
      std::uint64_t b = begin * info.values_per_row();
      std::uint64_t e = end * info.values_per_row();
      if (info.layout == Layout::Jagged) {
        b = data_[c].offsets[begin];
        e = data_[c].offsets[end];
        for (std::uint64_t r = begin; r <= end; ++r) part.offsets.push_back(data_[c].offsets[r] - b);
      }
      const auto at = [&](std::uint64_t v) {
        return data_[c].values.begin() + static_cast<std::ptrdiff_t>(v * info.dtype.size);
      };
      part.values.assign(at(b), at(e));
      chunk.columns.push_back(std::move(part));
    }
    return chunk;
  }

 private:
  Schema schema_;
  std::vector<ColumnData> data_;
};

inline const std::vector<DType>& all_types() {
  static const std::vector<DType> types = {{ScalarKind::Bool, 1},  {ScalarKind::Int, 1},   {ScalarKind::Int, 2},
                                           {ScalarKind::Int, 4},   {ScalarKind::Int, 8},   {ScalarKind::UInt, 1},
                                           {ScalarKind::UInt, 2},  {ScalarKind::UInt, 4},  {ScalarKind::UInt, 8},
                                           {ScalarKind::Float, 2}, {ScalarKind::Float, 4}, {ScalarKind::Float, 8}};
  return types;
}

/// `count` values of a type, of one of several characters: random bits (all specials included), smooth, whole,
/// constant, sparse.
inline ByteVector random_values(std::mt19937_64& rng, const DType& type, std::uint64_t count) {
  ByteVector out(count * type.size);
  const int character = static_cast<int>(rng() % 6);
  std::normal_distribution<double> normal;
  double walk = normal(rng);
  const double scale = std::exp2(static_cast<double>(rng() % 40) - 20);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::byte* at = out.data() + i * type.size;
    std::uint64_t bits = rng();
    if (type.kind == ScalarKind::Bool) {
      bits &= 1;
      std::memcpy(at, &bits, 1);
      continue;
    }
    if (character == 0) {  // any bit pattern
      std::memcpy(at, &bits, type.size);
      continue;
    }
    walk += normal(rng);
    double v = character == 1   ? walk * scale
               : character == 2 ? std::trunc(walk * 4)
               : character == 3 ? 42.5
               : rng() % 5 == 0 ? std::exp(normal(rng)) * scale
                                : 0.0;
    if (type.kind == ScalarKind::Float && character == 5 && rng() % 50 == 0) {
      constexpr double specials[] = {-0.0, std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(),
                                     1e-310};
      v = specials[rng() % 5];
    }
    if (type.kind == ScalarKind::Float && type.size == 8) {
      std::memcpy(at, &v, 8);
    } else if (type.kind == ScalarKind::Float && type.size == 4) {
      const auto f = static_cast<float>(v);
      std::memcpy(at, &f, 4);
    } else if (type.kind == ScalarKind::Float) {
      const auto h = static_cast<std::uint16_t>(bits & (character == 2 ? 0xfff0 : 0x7bff));
      std::memcpy(at, &h, 2);
    } else {
      const auto whole = static_cast<std::int64_t>(std::clamp(v, -1e18, 1e18));
      std::memcpy(at, &whole, type.size);
    }
  }
  return out;
}

/// A random table: flat, fixed-shape and jagged columns of any type, of different lengths.
inline MemoryTable random_table(std::mt19937_64& rng, std::uint64_t max_rows, bool jagged) {
  MemoryTable table;
  const auto columns = 1 + rng() % 5;
  const std::uint64_t rows = rng() % (max_rows + 1);
  for (std::uint64_t c = 0; c < columns; ++c) {
    ColumnInfo info;
    info.name = "c" + std::to_string(c);
    info.dtype = all_types()[rng() % all_types().size()];
    info.rows = rng() % 4 == 0 ? rng() % (max_rows + 1) : rows;
    ColumnData data;
    data.rows = info.rows;
    std::uint64_t values = info.rows;
    const auto layout = rng() % 6;
    if (layout == 0) {
      info.layout = Layout::FixedShape;
      info.inner_shape = {1 + rng() % 4, 1 + rng() % 5};
      values *= info.values_per_row();
    } else if (layout == 1 && jagged) {
      info.layout = Layout::Jagged;
      data.offsets.push_back(0);
      for (std::uint64_t r = 0; r < info.rows; ++r) data.offsets.push_back(data.offsets.back() + rng() % 4);
      values = data.offsets.back();
    }
    data.values = random_values(rng, info.dtype, values);
    table.add(std::move(info), std::move(data));
  }
  return table;
}

}  // namespace haywatt::test
