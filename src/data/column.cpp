#include "haywatt/data/column.hpp"

#include "data/checked.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {

std::string DType::name() const {
  static constexpr char letters[] = {'b', 'i', 'u', 'f'};
  return letters[static_cast<std::size_t>(kind)] + std::to_string(size);
}

DType DType::parse(const std::string& name) {
  static constexpr struct {
    const char* name;
    ScalarKind kind;
    std::uint8_t size;
  } known[] = {
      {"b1", ScalarKind::Bool, 1},  {"i1", ScalarKind::Int, 1},   {"i2", ScalarKind::Int, 2},
      {"i4", ScalarKind::Int, 4},   {"i8", ScalarKind::Int, 8},   {"u1", ScalarKind::UInt, 1},
      {"u2", ScalarKind::UInt, 2},  {"u4", ScalarKind::UInt, 4},  {"u8", ScalarKind::UInt, 8},
      {"f2", ScalarKind::Float, 2}, {"f4", ScalarKind::Float, 4}, {"f8", ScalarKind::Float, 8},
  };
  for (const auto& k : known) {
    if (name == k.name) return {k.kind, k.size, false};
  }
  fail_input("unknown dtype " + data::quoted_name(name) + ": known are f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1");
}

std::uint64_t ColumnInfo::values_per_row() const { return data::product(inner_shape); }

}  // namespace haywatt
