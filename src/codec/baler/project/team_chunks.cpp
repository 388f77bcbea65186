#include "codec/baler/project/team_chunks.hpp"

#include "haywatt/base/error.hpp"

namespace haywatt::baler {

[[gnu::noinline]] void put_block(ByteWriter& to, ByteSpan bytes) { to.put_block(bytes); }

void put_found(ByteWriter& to, const FoundCorrections& found) {
  put_values(to, found.halves.positions);
  put_values(to, found.halves.values);
  put_values(to, found.exact_positions);
  put_values(to, found.exact_values);
  to.put(found.worst_relative);
}

FoundCorrections get_found(ByteReader& from) {
  FoundCorrections found;
  found.halves.positions = get_values<std::uint64_t>(from);
  found.halves.values = get_values<Half>(from);
  found.exact_positions = get_values<std::uint64_t>(from);
  found.exact_values = get_values<double>(from);
  found.worst_relative = from.get<double>();
  return found;
}

void expect_same_table(ChunkTeam* team, const NpzArrays& input) {
  if (team == nullptr) return;
  const NpzArrays::Array& data = input.array("data");
  ByteWriter w;
  w.put(static_cast<std::uint8_t>(data.dtype.kind));
  w.put(data.dtype.size);
  put_values(w, data.shape);
  if (!team->agree(xxh3(w.view())))
    fail_input(input.path() + " is not the same table for all processes: give a file that all of them see");
}

}  // namespace haywatt::baler
