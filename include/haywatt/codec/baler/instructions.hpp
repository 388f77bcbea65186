/// Which vector instructions the inference kernels use, chosen at run time.
#pragma once

namespace haywatt::baler {

/// Avx2: AVX2 and FMA. Avx512: the F, BW, DQ and VL parts of AVX-512, besides Avx2.
enum class Instructions { Portable, Avx2, Avx512 };

[[nodiscard]] Instructions best_instructions() noexcept;
[[nodiscard]] bool supported(Instructions set) noexcept;

}  // namespace haywatt::baler
