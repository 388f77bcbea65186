/// The registers of a stopped thread under their DWARF numbers (psABI of x86-64, table 3.36; AADWARF64).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace haywatt::trace {

#if defined(__x86_64__)
inline constexpr int register_count = 17, frame_pointer = 6, stack_pointer = 7, return_column = 16;
/// Those that a function gives back as it found them: rbx, rbp, r12 to r15.
inline constexpr std::array saved_registers = {3, 6, 12, 13, 14, 15};
#elif defined(__aarch64__)
inline constexpr int register_count = 33, frame_pointer = 29, stack_pointer = 31, return_column = 30;
inline constexpr std::array saved_registers = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29};
#else
#error "sampling knows the registers of x86-64 and aarch64"
#endif

struct Registers {
  std::array<std::uint64_t, register_count> value{};  ///< by DWARF number
  std::uint64_t pc = 0;

  [[nodiscard]] std::uint64_t sp() const { return value[stack_pointer]; }
};

/// The piece of a thread's stack that was copied, from its stack pointer upwards.
struct StackCopy {
  std::uint64_t address = 0;
  std::span<const std::byte> bytes;

  [[nodiscard]] bool read(std::uint64_t from, std::uint64_t& word) const {
    if (from < address || bytes.size() < sizeof word || from - address > bytes.size() - sizeof word) return false;
    std::memcpy(&word, bytes.data() + (from - address), sizeof word);
    return true;
  }
};

}  // namespace haywatt::trace
