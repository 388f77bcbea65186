/// What the members of a team that share out a table's chunks tell each other.
#pragma once
#include <type_traits>
#include <vector>

#include "codec/baler/project/bound_keeper.hpp"
#include "haywatt/base/bytes.hpp"
#include "haywatt/codec/chunk_team.hpp"
#include "haywatt/data/npz_arrays.hpp"

namespace haywatt::baler {

/// A length and the bytes. Not inline: g++ 12 sees a read beyond a vector that is not there.
void put_block(ByteWriter& to, ByteSpan bytes);
template <class X>
void put_values(ByteWriter& to, const std::vector<X>& values) {
  put_block(to, std::as_bytes(std::span(values)));
}
template <class X>
[[nodiscard]] std::vector<X> get_values(ByteReader& from) {
  static_assert(std::is_trivially_copyable_v<X>);
  const ByteSpan bytes = from.get_block();
  std::vector<X> values(bytes.size() / sizeof(X));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(X));
  return values;
}

void put_found(ByteWriter& to, const FoundCorrections& found);
[[nodiscard]] FoundCorrections get_found(ByteReader& from);

[[nodiscard]] inline bool is_first(const ChunkTeam* team) { return team == nullptr || team->member() == 0; }
/// Whether this member works on the chunk.
[[nodiscard]] inline bool owns(const ChunkTeam* team, std::uint64_t chunk) {
  return team == nullptr || team->owns(chunk);
}
/// Error(BadInput) on all members if `input` has another `data` on one of them.
void expect_same_table(ChunkTeam* team, const NpzArrays& input);

}  // namespace haywatt::baler
