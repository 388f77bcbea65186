/// How to find a function's caller at one place in its code: a row of the table that DWARF's call frame information
/// (DWARF 5, section 6.4) stands for.
#pragma once
#include <elfutils/libdw.h>

#include <optional>
#include <vector>

#include "trace/sampling/registers.hpp"

namespace haywatt::trace {

/// Where the caller's value of one register is.
struct UnwindRule {
  enum class Kind { Same, Undefined, AtCfa, CfaPlus, AtExpression, Expression } kind = Kind::Undefined;
  std::int64_t offset = 0;          ///< AtCfa: in memory at CFA + offset; CfaPlus: CFA + offset itself
  std::vector<Dwarf_Op> operators;  ///< of an expression: the address it lies at, or the value
};

struct UnwindRow {
  int cfa_register = -1;  ///< the CFA is this register plus the offset; -1: the expression's value
  std::int64_t cfa_offset = 0;
  std::vector<Dwarf_Op> cfa_operators;
  std::array<UnwindRule, saved_registers.size()> saved;
  UnwindRule return_address;
  bool signal_frame = false;  ///< what it returns to is an interrupted instruction, not a call
};

/// Nothing if there is no information for this address or it cannot be read.
[[nodiscard]] std::optional<UnwindRow> read_unwind_row(Dwarf_CFI* cfi, std::uint64_t address);

/// Replaces `registers` by those of the caller. False if it cannot be found: the bytes end, or there is none.
[[nodiscard]] bool step_by_row(const UnwindRow& row, const StackCopy& stack, Registers& registers);

}  // namespace haywatt::trace
