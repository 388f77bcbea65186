#include <dlfcn.h>

#include "haywatt/codec/baler/libtorch_baler.hpp"
#include "haywatt/codec/baler/operator_hooks.hpp"

namespace haywatt::baler {
namespace {

struct Loaded {
  const LibtorchBaler* baler = nullptr;
  std::string why;
};

Loaded load() {
  Loaded loaded;
  const std::string path = find_trainer_plugin(loaded.why);
  if (path.empty()) return loaded;
  // Never closed: the object, and exceptions thrown by it, live as long as the process.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* entry = library == nullptr ? nullptr : dlsym(library, "haywatt_libtorch_baler_v2");
  if (entry == nullptr) {
    const char* error = dlerror();
    loaded.why = "cannot load " + path + ": " + (error == nullptr ? "unknown reason" : error);
    return loaded;
  }
  loaded.baler = reinterpret_cast<LibtorchBalerEntry>(entry)();
  return loaded;
}

}  // namespace

const LibtorchBaler* load_libtorch_baler(std::string& why) {
  static const Loaded loaded = load();
  if (loaded.baler == nullptr)
    why = loaded.why;
  else
    start_operator_hooks();
  return loaded.baler;
}

}  // namespace haywatt::baler
