/// The registers that a perf_event sample holds, in their order, and their DWARF numbers
/// (Linux arch/*/include/uapi/asm/perf_regs.h).
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trace/sampling/registers.hpp"

namespace haywatt::trace {

#if defined(__x86_64__)
/// AX BX CX DX SI DI BP SP IP, then R8 to R15, which the kernel numbers 16 to 23.
inline constexpr std::uint64_t perf_register_mask = 0x1ff | 0xff0000;
inline constexpr std::array perf_register_numbers = {0, 3, 2, 1, 4, 5, 6, 7, -1, 8, 9, 10, 11, 12, 13, 14, 15};
#else
/// X0 to X29, LR, SP, PC.
inline constexpr std::uint64_t perf_register_mask = 0x1ffffffff;
inline constexpr std::array perf_register_numbers = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                                     17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, -1};
#endif
static_assert(perf_register_numbers.size() == static_cast<std::size_t>(std::popcount(perf_register_mask)));

[[nodiscard]] inline Registers from_perf(std::span<const std::uint64_t, perf_register_numbers.size()> values) {
  Registers r;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int number = perf_register_numbers[i];
    (number < 0 ? r.pc : r.value[static_cast<std::size_t>(number)]) = values[i];
  }
  return r;
}

}  // namespace haywatt::trace
