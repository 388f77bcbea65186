/// The method `baler`: Baler's dense autoencoder, with corrections where a bound is asked for (docs/baler.md).
#pragma once
#include <memory>

#include "haywatt/codec/method.hpp"

namespace haywatt {

[[nodiscard]] std::unique_ptr<Method> make_baler_method();

}  // namespace haywatt
