/// The column-wise methods built on existing compressors; each make_… is one entry of codec/registry.cpp.
#pragma once
#include <memory>

#include "haywatt/codec/method.hpp"

namespace haywatt {

[[nodiscard]] std::unique_ptr<Method> make_zstd_method();

}  // namespace haywatt
