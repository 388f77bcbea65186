#include "trace/sampling/unwind_row.hpp"

#include <dwarf.h>

#include <cstdlib>

namespace haywatt::trace {
namespace {

/// No compiler writes longer ones; a hostile file may.
constexpr std::size_t longest_expression = 64;

UnwindRule rule_of(Dwarf_Frame* frame, int column) {
  UnwindRule rule;
  Dwarf_Op memory[3];
  Dwarf_Op* operators = nullptr;
  std::size_t count = 0;
  if (::dwarf_frame_register(frame, column, memory, &operators, &count) != 0 || count > longest_expression) return rule;
  if (count == 0) {
    rule.kind = operators == memory ? UnwindRule::Kind::Undefined : UnwindRule::Kind::Same;
    return rule;
  }
  const bool is_value = operators[count - 1].atom == DW_OP_stack_value;
  const std::size_t used = is_value ? count - 1 : count;
  if (used >= 1 && used <= 2 && operators[0].atom == DW_OP_call_frame_cfa &&
      (used == 1 || operators[1].atom == DW_OP_plus_uconst)) {
    rule.kind = is_value ? UnwindRule::Kind::CfaPlus : UnwindRule::Kind::AtCfa;
    rule.offset = used == 2 ? static_cast<std::int64_t>(operators[1].number) : 0;
    return rule;
  }
  rule.kind = is_value ? UnwindRule::Kind::Expression : UnwindRule::Kind::AtExpression;
  rule.operators.assign(operators, operators + used);
  return rule;
}

/// What an expression is computed on. DWARF's stack is a small array: deeper is refused.
class Evaluation {
 public:
  Evaluation(const Registers& registers, const StackCopy& stack, std::optional<std::uint64_t> cfa)
      : registers_(registers), stack_(stack), cfa_(cfa) {}

  std::optional<std::uint64_t> value(const std::vector<Dwarf_Op>& operators) {
    for (const Dwarf_Op& op : operators)
      if (!apply(op)) return std::nullopt;
    return depth_ > 0 ? std::optional(values_[depth_ - 1]) : std::nullopt;
  }

 private:
  bool push(std::uint64_t x) {
    if (depth_ == values_.size()) return false;
    values_[depth_++] = x;
    return true;
  }
  bool push_register(std::uint64_t number, std::uint64_t offset) {
#if defined(__x86_64__)
    if (number == return_column) return push(registers_.pc + offset);
#endif
    return number < registers_.value.size() && push(registers_.value[number] + offset);
  }
  bool binary(std::uint8_t atom) {
    if (depth_ < 2) return false;
    const std::uint64_t right = values_[--depth_];
    std::uint64_t& left = values_[depth_ - 1];
    const auto signed_left = static_cast<std::int64_t>(left), signed_right = static_cast<std::int64_t>(right);
    switch (atom) {
      case DW_OP_plus:
        left += right;
        return true;
      case DW_OP_minus:
        left -= right;
        return true;
      case DW_OP_mul:
        left *= right;
        return true;
      case DW_OP_and:
        left &= right;
        return true;
      case DW_OP_or:
        left |= right;
        return true;
      case DW_OP_xor:
        left ^= right;
        return true;
      case DW_OP_shl:
        left = right < 64 ? left << right : 0;
        return true;
      case DW_OP_shr:
        left = right < 64 ? left >> right : 0;
        return true;
      case DW_OP_ge:
        left = signed_left >= signed_right;
        return true;
      case DW_OP_gt:
        left = signed_left > signed_right;
        return true;
      case DW_OP_le:
        left = signed_left <= signed_right;
        return true;
      case DW_OP_lt:
        left = signed_left < signed_right;
        return true;
      case DW_OP_eq:
        left = left == right;
        return true;
      case DW_OP_ne:
        left = left != right;
        return true;
      default:
        return false;
    }
  }
  bool apply(const Dwarf_Op& op) {
    if (op.atom >= DW_OP_lit0 && op.atom <= DW_OP_lit31) return push(op.atom - DW_OP_lit0);
    if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31) return push_register(op.atom - DW_OP_breg0, op.number);
    switch (op.atom) {
      case DW_OP_bregx:
        return push_register(op.number, op.number2);
      case DW_OP_addr:
      case DW_OP_const1u:
      case DW_OP_const1s:
      case DW_OP_const2u:
      case DW_OP_const2s:
      case DW_OP_const4u:
      case DW_OP_const4s:
      case DW_OP_const8u:
      case DW_OP_const8s:
      case DW_OP_constu:
      case DW_OP_consts:
        return push(op.number);
      case DW_OP_call_frame_cfa:
        return cfa_ && push(*cfa_);
      case DW_OP_dup:
        return depth_ > 0 && push(values_[depth_ - 1]);
      case DW_OP_drop:
        return depth_ > 0 && depth_-- > 0;
      case DW_OP_plus_uconst:
        if (depth_ == 0) return false;
        values_[depth_ - 1] += op.number;
        return true;
      case DW_OP_deref:
        return depth_ > 0 && stack_.read(values_[depth_ - 1], values_[depth_ - 1]);
      case DW_OP_nop:
        return true;
      default:
        return binary(op.atom);
    }
  }

  const Registers& registers_;
  const StackCopy& stack_;
  std::optional<std::uint64_t> cfa_;
  std::array<std::uint64_t, 16> values_{};
  std::size_t depth_ = 0;
};

bool apply_rule(const UnwindRule& rule, const Registers& now, const StackCopy& stack, std::uint64_t cfa,
                std::uint64_t& value) {
  switch (rule.kind) {
    case UnwindRule::Kind::Same:
      return true;
    case UnwindRule::Kind::Undefined:
      return false;
    case UnwindRule::Kind::AtCfa:
      return stack.read(cfa + static_cast<std::uint64_t>(rule.offset), value);
    case UnwindRule::Kind::CfaPlus:
      value = cfa + static_cast<std::uint64_t>(rule.offset);
      return true;
    case UnwindRule::Kind::AtExpression:
    case UnwindRule::Kind::Expression: {
      const auto result = Evaluation(now, stack, cfa).value(rule.operators);
      if (!result) return false;
      if (rule.kind == UnwindRule::Kind::AtExpression) return stack.read(*result, value);
      value = *result;
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<UnwindRow> read_unwind_row(Dwarf_CFI* cfi, std::uint64_t address) {
  Dwarf_Frame* frame = nullptr;
  if (cfi == nullptr || ::dwarf_cfi_addrframe(cfi, address, &frame) != 0) return std::nullopt;
  std::optional<UnwindRow> found;
  UnwindRow row;
  Dwarf_Op* operators = nullptr;
  std::size_t count = 0;
  const int column = ::dwarf_frame_info(frame, nullptr, nullptr, &row.signal_frame);
  if (::dwarf_frame_cfa(frame, &operators, &count) == 0 && count > 0 && count <= longest_expression) {
    const Dwarf_Op& first = operators[0];
    if (count == 1 && first.atom >= DW_OP_breg0 && first.atom <= DW_OP_breg31) {
      row.cfa_register = first.atom - DW_OP_breg0;
      row.cfa_offset = static_cast<std::int64_t>(first.number);
    } else if (count == 1 && first.atom == DW_OP_bregx && first.number < register_count) {
      row.cfa_register = static_cast<int>(first.number);
      row.cfa_offset = static_cast<std::int64_t>(first.number2);
    } else {
      row.cfa_operators.assign(operators, operators + count);
    }
    if (row.cfa_register < register_count && column >= 0 && column < register_count) {
      for (std::size_t i = 0; i < saved_registers.size(); ++i) row.saved[i] = rule_of(frame, saved_registers[i]);
      row.return_address = rule_of(frame, column);
      found = std::move(row);
    }
  }
  std::free(frame);  // as libdw asks. NOLINT(cppcoreguidelines-no-malloc)
  return found;
}

bool step_by_row(const UnwindRow& row, const StackCopy& stack, Registers& registers) {
  std::uint64_t cfa = 0;
  if (row.cfa_register >= 0) {
    cfa = registers.value[row.cfa_register] + static_cast<std::uint64_t>(row.cfa_offset);
  } else {
    const auto value = Evaluation(registers, stack, std::nullopt).value(row.cfa_operators);
    if (!value) return false;
    cfa = *value;
  }
  Registers caller = registers;
  for (std::size_t i = 0; i < saved_registers.size(); ++i) {
    std::uint64_t& value = caller.value[saved_registers[i]];
    (void)apply_rule(row.saved[i], registers, stack, cfa, value);  // what is not known stays as it was
  }
#if defined(__aarch64__)
  caller.pc = registers.value[return_column];
#endif
  if (!apply_rule(row.return_address, registers, stack, cfa, caller.pc)) return false;
#if defined(__aarch64__)
  caller.pc &= 0x0000ffffffffffff;  // a signed return address (Armv8.3) keeps the signature above
  caller.value[return_column] = caller.pc;
#endif
  caller.value[stack_pointer] = cfa;
  registers = caller;
  return true;
}

}  // namespace haywatt::trace
