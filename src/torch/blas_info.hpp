/// Which BLAS library this process computes with.
#pragma once
#include <string>

namespace haywatt::torch_plugin {

struct BlasInfo {
  std::string name;        ///< "OpenBLAS 0.3.21", "Intel MKL", "reference BLAS", …
  bool reference = false;  ///< the unoptimised one
};

[[nodiscard]] BlasInfo find_blas();

/// libtorch's thread setting does not reach a BLAS with threads of its own; this does (OpenBLAS, BLIS).
void set_blas_threads(int threads);

}  // namespace haywatt::torch_plugin
