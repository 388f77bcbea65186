/// Names of the kernel's functions, where it tells them.
#pragma once
#include <cstdint>
#include <string>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

/// What stands for a function of the kernel until its name is known: telling all names takes the kernel some 50 ms,
/// which are not to fall into the time that is sampled.
[[nodiscard]] FrameRecord kernel_frame(std::uint64_t address);

/// The same stacks with the names of the kernel's functions, "[kernel]" where it hides its addresses
/// (kernel.kptr_restrict). Reads `symbols` (/proc/kallsyms) if there is a function of the kernel among them.
[[nodiscard]] StackProfile with_kernel_names(const StackProfile& stacks, const std::string& symbols = "/proc/kallsyms");

}  // namespace haywatt::trace
