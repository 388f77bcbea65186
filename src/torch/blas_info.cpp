#include "torch/blas_info.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <string>

namespace haywatt::torch_plugin {
namespace {

// The default scope of this library holds all that libtorch depends on.
template <class Function>
Function* find_function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

std::string library_of(const char* symbol) {
  void* address = dlsym(RTLD_DEFAULT, symbol);
  Dl_info info{};
  if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code none;
  const std::filesystem::path real = std::filesystem::canonical(info.dli_fname, none);
  return real.empty() ? info.dli_fname : real.string();
}

}  // namespace

BlasInfo find_blas() {
  if (auto* config = find_function<char*()>("openblas_get_config"); config != nullptr) {
    // "OpenBLAS 0.3.21 NO_LAPACK DYNAMIC_ARCH …"
    const std::string text = config();
    const std::size_t end = text.find(' ', text.find(' ') + 1);
    return {text.substr(0, end), false};
  }
  if (find_function<void()>("MKL_Get_Version_String") != nullptr) return {"Intel MKL", false};
  if (auto* version = find_function<const char*()>("bli_info_get_version_str"); version != nullptr)
    return {std::string("BLIS ") + version(), false};
  const std::string library = library_of("sgemm_");
  if (library.find("torch") != std::string::npos) return {"BLAS inside libtorch", false};
  if (library.find("atlas") != std::string::npos) return {"ATLAS", false};
  if (library.find("/blas/libblas.so") != std::string::npos || library.find("librefblas") != std::string::npos)
    return {"reference BLAS (" + library + ")", true};
  return {library.empty() ? "unknown BLAS" : library, false};
}

void set_blas_threads(int threads) {
  if (auto* openblas = find_function<void(int)>("openblas_set_num_threads"); openblas != nullptr) openblas(threads);
  if (auto* blis = find_function<void(long)>("bli_thread_set_num_threads"); blis != nullptr) blis(threads);
}

}  // namespace haywatt::torch_plugin
