#include "codec/baler/pickle/opcodes.hpp"

#include <fmt/format.h>

namespace haywatt::baler::pickle::op {

std::string name(std::uint8_t opcode) {
  switch (opcode) {
    case 'o':
      return "OBJ";
    case 'P':
      return "PERSID";
    case 0x81:
      return "NEWOBJ";
    case 0x92:
      return "NEWOBJ_EX";
    case 0x82:
    case 0x83:
    case 0x84:
      return "EXT";
    default:
      return fmt::format("0x{:02x}", opcode);
  }
}

}  // namespace haywatt::baler::pickle::op
