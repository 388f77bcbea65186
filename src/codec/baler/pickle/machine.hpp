/// A reader of pickles that executes nothing: a stack machine that knows a few opcodes and a list of allowed globals.
/// Source: https://docs.python.org/3/library/pickletools.html (opcodes), Lib/pickletools.py.
///
/// A pickle is a program; Python runs whatever function it names. Here a name is only compared with a list, nothing is
/// imported, and what the program builds are plain values. Every other opcode or global ends the reading with an error
/// that names it. The machine does not recurse, so deep or cyclic values cost nothing but their bytes.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/base/bytes.hpp"

namespace haywatt::baler::pickle {

enum class Kind : std::uint8_t { None, Bool, Int, Float, Text, Bytes, Tuple, List, Dict, Global, Object, Persistent };

/// One value, 16 bytes. Text and Bytes are ranges of the pickle itself.
struct Value {
  Kind kind = Kind::None;
  std::uint8_t global = 0;   ///< Global: which of the dialect's
  std::uint32_t length = 0;  ///< Text, Bytes: bytes; Tuple, Persistent: items
  union {
    std::int64_t integer = 0;  ///< Int, Bool
    double real;               ///< Float
    std::uint64_t index;       ///< Text, Bytes: offset; Tuple, Persistent: first item; List, Dict, Object: which
  };
};

/// What a pickle may name. `reduces` and `builds` say what it may do with it.
struct Global {
  std::string_view module, name;
  bool callable = false;   ///< may be called (REDUCE): an object with these arguments, of which nothing runs
  bool buildable = false;  ///< an object of it may be given a state (BUILD)
};

struct Object {
  std::uint8_t global = 0;
  Value arguments;                      ///< a Tuple
  Value state;                          ///< None until BUILD
  std::uint64_t items = without_items;  ///< which list holds the key, value, key, value set on it

  static constexpr std::uint64_t without_items = UINT64_MAX;
};

struct Limits {
  std::uint64_t opcodes = 1'000'000;
  std::size_t depth = 64;  ///< of marks
};

/// A finished program: its value, and all that it refers to. Immutable, thread-safe. Keeps a view of the bytes.
class Pickle {
 public:
  /// `bytes` may go on after the STOP; end() says where. Error(BadInput), its line starting with `what`.
  Pickle(ByteSpan bytes, std::span<const Global> allowed, const std::string& what, const Limits& limits = {});

  [[nodiscard]] const Value& root() const { return root_; }
  [[nodiscard]] std::size_t end() const { return end_; }
  [[nodiscard]] std::string_view text(const Value& v) const;         ///< of Text or Bytes
  [[nodiscard]] std::span<const Value> items(const Value& v) const;  ///< Tuple, List; Dict and Object: key, value, …
  [[nodiscard]] const Object& object(const Value& v) const;

  // As above, but Error(BadInput) if the value is of another kind.
  [[nodiscard]] std::int64_t integer(const Value& v) const;
  [[nodiscard]] std::string_view string(const Value& v) const;
  [[nodiscard]] std::span<const Value> sequence(const Value& v, Kind kind) const;
  /// An object made by calling `global`.
  [[nodiscard]] const Object& made_by(const Value& v, std::size_t global) const;
  [[noreturn]] void fail(const std::string& why) const;

 private:
  friend class Machine;
  ByteSpan bytes_;
  std::string what_;
  std::vector<Value> tuples_;  ///< the items of all tuples, one after another
  std::deque<std::vector<Value>> lists_;
  std::deque<Object> objects_;
  Value root_;
  std::size_t end_ = 0;
};

}  // namespace haywatt::baler::pickle
