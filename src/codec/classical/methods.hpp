/// The column-wise methods built on existing compressors; each make_… is one entry of codec/registry.cpp.
#pragma once
#include <memory>

#include "haywatt/codec/method.hpp"

namespace haywatt {

[[nodiscard]] std::unique_ptr<Method> make_zstd_method();
[[nodiscard]] std::unique_ptr<Method> make_lz4_method();
[[nodiscard]] std::unique_ptr<Method> make_zfp_method();

}  // namespace haywatt
