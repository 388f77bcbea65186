#include <algorithm>

#include "codec/pipeline/hay_table.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/pipeline.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt {
namespace {

/// Error(CheckFailed) naming the first thing in which the original is another table.
void check_same_table(const Schema& file, const Schema& original) {
  const auto differ = [](const std::string& what) { fail_check("the original is another table: " + what); };
  if (file.columns.size() != original.columns.size())
    differ("it has " + std::to_string(original.columns.size()) + " columns, the file " +
           std::to_string(file.columns.size()));
  for (std::size_t c = 0; c < file.columns.size(); ++c) {
    const ColumnInfo& a = file.columns[c];
    const ColumnInfo& b = original.columns[c];
    if (a.name != b.name) differ("column " + std::to_string(c) + " is '" + b.name + "', in the file '" + a.name + "'");
    if (a.dtype != b.dtype)
      differ("column '" + a.name + "' has type " + b.dtype.name() + ", in the file " + a.dtype.name());
    if (a.rows != b.rows || a.inner_shape != b.inner_shape || a.layout != b.layout)
      differ("column '" + a.name + "' has another shape");
  }
  if (file.arrays.size() != original.arrays.size()) differ("it has another number of arrays");
  for (std::size_t i = 0; i < file.arrays.size(); ++i)
    if (file.arrays[i].key != original.arrays[i].key || file.arrays[i].raw != original.arrays[i].raw)
      differ("array '" + original.arrays[i].key + "' differs");
}

struct Work {
  Chunk original, decoded;
  std::vector<ErrorStatistics> errors;
};

}  // namespace

VerifyOutcome verify_file(const std::string& path, const TableReader* original, int threads,
                          const std::function<void(const Chunk&, const Chunk&)>& each) {
  const HayTable table(path);
  const HayHeader& header = table.file().header();
  const std::size_t columns = header.schema.columns.size();
  if (original != nullptr) check_same_table(header.schema, original->schema());

  VerifyOutcome outcome;
  outcome.chunks = table.chunks();
  for (std::size_t c = 0; c < columns; ++c)
    outcome.columns.push_back({header.schema.columns[c].name, header.bounds[c], {}, {}, 0, 0});
  std::vector<Work> work(outcome.chunks);
  const auto produce = [&](std::uint64_t k) {
    Work& w = work[k];
    w.decoded = table.decode_chunk(k, std::vector<bool>(columns, true));
    if (original == nullptr) return;
    {
      const ScopedSpan span("read");
      w.original = original->read(k * header.chunk_rows, header.chunk_rows);
    }
    const ScopedSpan span("verify");
    for (std::size_t c = 0; c < columns; ++c) {
      const DType& type = header.schema.columns[c].dtype;
      const ColumnData& x = w.original.columns[c];
      const ColumnData& y = w.decoded.columns[c];
      if (x.offsets != y.offsets) fail_check("column '" + header.schema.columns[c].name + "' has other list lengths");
      ErrorStatistics errors;
      accumulate_errors(errors, type, x.values, y.values);
      errors.violations = find_violations(type, x.values, y.values, header.bounds[c], 1.0).size();
      w.errors.push_back(errors);
    }
  };
  const auto consume = [&](std::uint64_t k) {
    const ScopedSpan span("verify");
    for (std::size_t c = 0; c < work[k].errors.size(); ++c) {
      outcome.columns[c].error.merge(work[k].errors[c]);
      if (work[k].errors[c].violations > 0) outcome.within_bounds = false;
    }
    if (each && original != nullptr) each(work[k].original, work[k].decoded);
    work[k] = {};
  };
  exec::ordered_pipeline(outcome.chunks, threads, static_cast<std::uint64_t>(threads) + 1, produce, consume);
  for (std::uint64_t k = 0; k < outcome.chunks; ++k) {
    const ChunkPlaces& places = table.file().places(k);
    for (std::size_t c = 0; c < columns; ++c)
      outcome.columns[c].compressed_bytes += places.columns[c].length + places.corrections[c].length;
  }
  return outcome;
}

}  // namespace haywatt
