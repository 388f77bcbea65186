/// Encoding with Baler's autoencoder: trains it, then codes chunks.
#pragma once
#include <functional>
#include <memory>

#include "codec/baler/settings.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt::baler {

/// `trainer` is asked for the trainer when the model is trained (loading libtorch takes a third of a second).
[[nodiscard]] std::unique_ptr<Encoder> make_baler_encoder(const Settings& settings,
                                                          std::function<const Trainer*()> trainer);

}  // namespace haywatt::baler
