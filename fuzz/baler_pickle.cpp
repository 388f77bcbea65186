#include <cstddef>
#include <cstdint>

#include "codec/baler/pickle_harness.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  haywatt::baler::test::read_pickle({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
