/// The opcodes of pickle that the reader and the writer use. Source: Lib/pickletools.py of CPython.
#pragma once
#include <cstdint>
#include <string>

namespace haywatt::baler::pickle::op {

inline constexpr std::uint8_t mark = '(', stop = '.', pop = '0', bin_int = 'J', bin_int1 = 'K', bin_int2 = 'M',
                              none = 'N', bin_persid = 'Q', reduce = 'R', bin_unicode = 'X', append = 'a',
                              appends = 'e', build = 'b', global = 'c', bin_get = 'h', inst = 'i', long_bin_get = 'j',
                              long_bin_put = 'r', bin_put = 'q', set_item = 's', tuple = 't', set_items = 'u',
                              empty_dict = '}', empty_list = ']', empty_tuple = ')', bin_float = 'G', bin_bytes = 'B',
                              short_bin_bytes = 'C', proto = 0x80, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87,
                              new_true = 0x88, new_false = 0x89, long1 = 0x8a, short_bin_unicode = 0x8c,
                              stack_global = 0x93, memoize = 0x94, frame = 0x95;

/// For messages: the name of those that a malicious pickle would use, else the number.
[[nodiscard]] std::string name(std::uint8_t opcode);

}  // namespace haywatt::baler::pickle::op
