#include "data/array_rows.hpp"

#include <zlib.h>

#include <algorithm>

#include "data/checked.hpp"
#include "data/inflate.hpp"
#include "data/strided.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

constexpr std::uint64_t slab_bytes = std::uint64_t{256} << 10;  // fits the second-level cache

/// Where value `index` (C order) of a row lies in memory: column `index` of a table, or `index` in the only column.
struct Destination {
  std::size_t column;
  std::size_t byte;    ///< of the first row's value
  std::size_t stride;  ///< from one row to the next
};

Destination destination(const ArrayPlace& place, std::uint64_t index) {
  const std::size_t item = place.dtype.size;
  if (place.table) return {static_cast<std::size_t>(index), 0, item};
  return {0, static_cast<std::size_t>(index) * item, static_cast<std::size_t>(place.row_bytes())};
}

void swap_if_needed(const ArrayPlace& place, std::span<std::byte> bytes) {
  if (place.dtype.big_endian) swap_bytes(bytes, place.dtype.size);
}

void read_c_order(const ByteSource& source, const ArrayPlace& place, std::uint64_t first, std::uint64_t rows,
                  std::span<ColumnData* const> to) {
  const std::uint64_t row_bytes = place.row_bytes();
  if (!place.table) {
    source.read_at(place.offset + first * row_bytes, to[0]->values);
    swap_if_needed(place, to[0]->values);
    return;
  }
  const std::uint64_t slab_rows = std::max<std::uint64_t>(1, slab_bytes / row_bytes);
  ByteVector slab(static_cast<std::size_t>(std::min(slab_rows, rows) * row_bytes));
  const std::size_t item = place.dtype.size;
  for (std::uint64_t done = 0; done < rows;) {
    const std::uint64_t n = std::min(slab_rows, rows - done);
    const auto part = std::span(slab).first(static_cast<std::size_t>(n * row_bytes));
    source.read_at(place.offset + (first + done) * row_bytes, part);
    swap_if_needed(place, part);
    for (std::size_t c = 0; c < to.size(); ++c)
      copy_strided(to[c]->values.data() + done * item, item, part.data() + c * item, row_bytes, n, item);
    done += n;
  }
}

void read_fortran_order(const ByteSource& source, const ArrayPlace& place, std::uint64_t first, std::uint64_t rows,
                        std::span<ColumnData* const> to) {
  const std::size_t item = place.dtype.size;
  // Runs along axis 0 are contiguous; whole runs also follow each other, so several fit one read.
  const std::uint64_t runs = place.values_per_row();
  const std::uint64_t runs_per_read =
      rows == place.rows ? std::max<std::uint64_t>(1, slab_bytes / (rows * item)) : std::uint64_t{1};
  ByteVector slab(static_cast<std::size_t>(std::min(runs_per_read, runs) * rows * item));
  FortranWalk walk(place.inner_shape);
  for (std::uint64_t run = 0; run < runs;) {
    const std::uint64_t n = std::min(runs_per_read, runs - run);
    const auto part = std::span(slab).first(static_cast<std::size_t>(n * rows * item));
    source.read_at(place.offset + (run * place.rows + first) * item, part);
    swap_if_needed(place, part);
    for (std::uint64_t k = 0; k < n; ++k, walk.next()) {
      const Destination d = destination(place, walk.c_index());
      copy_strided(to[d.column]->values.data() + d.byte, d.stride, part.data() + k * rows * item, item, rows, item);
    }
    run += n;
  }
}

}  // namespace

std::uint64_t ArrayPlace::values_per_row() const { return product(inner_shape); }

ArrayPlace place_of(const SourceArray& array, const DType& dtype, std::uint64_t offset) {
  ArrayPlace p;
  p.offset = offset;
  p.rows = array.shape.at(0);
  p.inner_shape.assign(array.shape.begin() + 1, array.shape.end());
  p.table = array.role == ArrayRole::Table;
  p.fortran_order = array.fortran_order && array.shape.size() > 1;
  p.dtype = dtype;
  return p;
}

void read_rows(const ByteSource& source, const ArrayPlace& place, std::uint64_t first, std::uint64_t rows,
               std::span<ColumnData* const> to) {
  const std::uint64_t bytes = place.table ? rows * place.dtype.size : rows * place.row_bytes();
  for (ColumnData* c : to) {
    c->rows = rows;
    c->values.resize(static_cast<std::size_t>(bytes));
  }
  if (rows == 0) return;
  if (place.fortran_order) {
    read_fortran_order(source, place, first, rows, to);
  } else {
    read_c_order(source, place, first, rows, to);
  }
}

RowWriter::RowWriter(ArrayPlace place) : place_(std::move(place)) {
  const bool many = place_.fortran_order && place_.rows > 0;
  crcs_.assign(many ? static_cast<std::size_t>(place_.values_per_row()) : 1, 0);
}

void RowWriter::write(AtomicFile& file, std::span<const ColumnData* const> from) {
  const std::uint64_t rows = from[0]->rows;
  const std::uint64_t bytes = place_.table ? rows * place_.dtype.size : rows * place_.row_bytes();
  for (const ColumnData* c : from) {
    if (c->rows != rows || c->values.size() != bytes || rows > place_.rows - next_row_)
      fail_input("columns do not fit the array that is written: their lengths differ from what the schema says");
  }
  if (rows == 0) return;
  if (place_.fortran_order) {
    write_fortran_order(file, from, rows);
  } else {
    write_c_order(file, from, rows);
  }
  next_row_ += rows;
}

void RowWriter::write_c_order(AtomicFile& file, std::span<const ColumnData* const> from, std::uint64_t rows) {
  const std::uint64_t row_bytes = place_.row_bytes();
  const std::size_t item = place_.dtype.size;
  const std::uint64_t slab_rows = std::max<std::uint64_t>(1, slab_bytes / row_bytes);
  ByteVector slab(static_cast<std::size_t>(std::min(slab_rows, rows) * row_bytes));
  for (std::uint64_t done = 0; done < rows;) {
    const std::uint64_t n = std::min(slab_rows, rows - done);
    const auto part = std::span(slab).first(static_cast<std::size_t>(n * row_bytes));
    if (place_.table) {
      for (std::size_t c = 0; c < from.size(); ++c)
        copy_strided(part.data() + c * item, row_bytes, from[c]->values.data() + done * item, item, n, item);
    } else {
      std::copy_n(from[0]->values.data() + done * row_bytes, part.size(), part.data());
    }
    swap_if_needed(place_, part);
    file.write_at(place_.offset + (next_row_ + done) * row_bytes, part);
    crcs_[0] = crc32_update(crcs_[0], part);
    done += n;
  }
}

void RowWriter::write_fortran_order(AtomicFile& file, std::span<const ColumnData* const> from, std::uint64_t rows) {
  const std::size_t item = place_.dtype.size;
  ByteVector run(static_cast<std::size_t>(rows * item));
  FortranWalk walk(place_.inner_shape);
  for (std::size_t f = 0; f < crcs_.size(); ++f, walk.next()) {
    const Destination d = destination(place_, walk.c_index());
    copy_strided(run.data(), item, from[d.column]->values.data() + d.byte, d.stride, rows, item);
    swap_if_needed(place_, run);
    file.write_at(place_.offset + (f * place_.rows + next_row_) * item, run);
    crcs_[f] = crc32_update(crcs_[f], run);
  }
}

std::uint32_t RowWriter::crc(std::uint32_t seed) const {
  const std::uint64_t piece = crcs_.size() == 1 ? place_.rows * place_.row_bytes() : place_.rows * place_.dtype.size;
  uLong crc = seed;
  for (const std::uint32_t c : crcs_) crc = ::crc32_combine(crc, c, static_cast<z_off_t>(piece));
  return static_cast<std::uint32_t>(crc);
}

}  // namespace haywatt::data
