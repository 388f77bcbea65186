/// The link between rank 0 and rank 1, measured through the same channel that the layouts use.
#pragma once
#include <vector>

#include "distributed/mpi/channel.hpp"

namespace haywatt::distributed {

/// All ranks call it; rank 0 gets the samples, the others none. Medians over repeats, as many as `budget_s` allows.
/// With a token bucket `refill_s` is what it takes to fill up: so long a pause comes before each message.
[[nodiscard]] std::vector<LinkSample> measure_link(Channel& channel, std::uint64_t largest_B,
                                                   std::uint64_t eager_limit_B, double budget_s, double refill_s,
                                                   std::uint64_t touched_B);
/// CPU seconds a second of waiting for a message, on this rank. All ranks call it.
[[nodiscard]] double measure_wait_share(Channel& channel);
/// Seconds to add a byte of partial sums to another, with all ranks at it.
[[nodiscard]] double measure_adding(Channel& channel);

}  // namespace haywatt::distributed
