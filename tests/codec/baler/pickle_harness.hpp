/// Feeds any bytes to the readers of Baler's pickles. Used by fuzz/ (libFuzzer makes the bytes) and by a test that
/// changes real files by itself.
#pragma once
#include "haywatt/base/bytes.hpp"

namespace haywatt::baler::test {

/// The first byte chooses: a data.pkl of a model.pt, corrections and their index as whole files, or the pickles in
/// them. Errors of bad input are swallowed; anything else that happens is a fault.
void read_pickle(ByteSpan input);

}  // namespace haywatt::baler::test
