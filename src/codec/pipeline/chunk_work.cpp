#include "codec/pipeline/chunk_work.hpp"

namespace haywatt {
namespace {

void put(ByteWriter& out, const std::vector<ByteVector>& blocks) {
  out.put<std::uint64_t>(blocks.size());
  for (const ByteVector& b : blocks) out.put_block(b);
}

std::vector<ByteVector> blocks_from(ByteReader& in) {
  std::vector<ByteVector> blocks;
  for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
    const ByteSpan b = in.get_block();
    blocks.emplace_back(b.begin(), b.end());
  }
  return blocks;
}

}  // namespace

ByteVector to_message(const ChunkWork& work) {
  ByteWriter out;
  put(out, work.streams.shared);
  put(out, work.streams.columns);
  put(out, work.corrections);
  out.put<std::uint64_t>(work.errors.size());
  for (std::size_t c = 0; c < work.errors.size(); ++c) {
    const ErrorStatistics& e = work.errors[c];
    for (const std::uint64_t v : {e.values, e.exact, e.violations, e.not_finite, work.correction_counts[c]}) out.put(v);
    for (const double v : {e.max_abs, e.max_rel, e.sum_squared}) out.put(v);
  }
  return out.take();
}

ChunkWork work_from_message(ByteSpan message) {
  ByteReader in(message, "a chunk from another process");
  ChunkWork work;
  work.streams.shared = blocks_from(in);
  work.streams.columns = blocks_from(in);
  work.corrections = blocks_from(in);
  for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
    ErrorStatistics& e = work.errors.emplace_back();
    for (std::uint64_t* v : {&e.values, &e.exact, &e.violations, &e.not_finite, &work.correction_counts.emplace_back()})
      *v = in.get<std::uint64_t>();
    for (double* v : {&e.max_abs, &e.max_rel, &e.sum_squared}) *v = in.get<double>();
  }
  in.expect_end();
  return work;
}

}  // namespace haywatt
