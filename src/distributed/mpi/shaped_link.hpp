/// The way out of this rank's network namespace, limited by the kernel's token bucket.
#pragma once
#include <cstdint>
#include <string>

namespace haywatt::distributed {

/// Runs tc(8) on `device`: a token bucket of `rate_bit_s` and `burst_B`, or none with rate 0. Error(System) if tc
/// fails.
void limit_rate(const std::string& device, double rate_bit_s, std::uint64_t burst_B);

}  // namespace haywatt::distributed
