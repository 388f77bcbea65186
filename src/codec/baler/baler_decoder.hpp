/// Decoding of baler chunks; needs no plug-in.
#pragma once
#include <memory>

#include "haywatt/codec/method.hpp"

namespace haywatt::baler {

/// Error(BadInput) if `model` is damaged or does not fit the context's schema.
[[nodiscard]] std::unique_ptr<Decoder> make_baler_decoder(const TableContext& context, ByteSpan model);

}  // namespace haywatt::baler
