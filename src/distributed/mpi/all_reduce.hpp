/// Sums over all ranks.
#pragma once
#include <algorithm>
#include <vector>

#include "distributed/mpi/channel.hpp"
#include "haywatt/distributed/layout.hpp"

namespace haywatt::distributed {

/// Leaves in `values` their sum over all ranks, the same bits everywhere; all ranks call it with the same count.
/// Two ranks exchange all they have; more go round a ring, first summing a piece each, then passing the sums on. Every
/// value is summed once and then copied, or summed of the same two numbers. `partial` is room for the other rank's,
/// made larger where it is too small.
template <class T>
void all_reduce(Channel& channel, int tag, T* values, std::uint64_t count, std::vector<T>& partial) {
  const int ranks = channel.ranks(), rank = channel.rank();
  if (ranks == 1) return;
  partial.resize(std::max<std::size_t>(partial.size(), count));
  const auto exchange = [&](int to, const T* out, std::size_t out_count, int from, T* in, std::size_t in_count) {
    Transfer sending, receiving;
    channel.receive(from, tag, in, in_count * sizeof(T), receiving);
    channel.send(to, tag, out, out_count * sizeof(T), sending);
    channel.wait(receiving);
    channel.wait(sending);
  };
  const auto add_partial_to = [&](T* sum, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) sum[i] += partial[i];
  };
  if (ranks == 2) {
    exchange(1 - rank, values, count, 1 - rank, partial.data(), count);
    add_partial_to(values, count);
    return;
  }
  const int next = (rank + 1) % ranks, previous = (rank + ranks - 1) % ranks;
  const auto piece = [&](int i) { return part_of(count, ranks, ((i % ranks) + ranks) % ranks); };
  for (int i = 0; i < ranks - 1; ++i) {
    const Range out = piece(rank - i), in = piece(rank - i - 1);
    exchange(next, values + out.begin, out.size(), previous, partial.data(), in.size());
    add_partial_to(values + in.begin, in.size());
  }
  for (int i = 0; i < ranks - 1; ++i) {
    const Range out = piece(rank + 1 - i), in = piece(rank - i);
    exchange(next, values + out.begin, out.size(), previous, values + in.begin, in.size());
  }
}

}  // namespace haywatt::distributed
