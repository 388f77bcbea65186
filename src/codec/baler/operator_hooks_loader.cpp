#include <dlfcn.h>

#include "codec/plugin_file.hpp"
#include "haywatt/codec/baler/operator_hooks.hpp"
#include "haywatt/codec/baler/trainer.hpp"

namespace haywatt::baler {
namespace {

struct Loaded {
  const OperatorHooks* hooks = nullptr;
  std::string why;
};

Loaded load() {
  Loaded loaded;
  const std::string path = find_trainer_plugin(loaded.why);
  if (path.empty()) return loaded;
  if (void* entry = load_plugin_file(path, "haywatt_operator_hooks_v1", RTLD_NOW | RTLD_LOCAL, loaded.why))
    loaded.hooks = reinterpret_cast<OperatorHooksEntry>(entry)();
  return loaded;
}

}  // namespace

const OperatorHooks* load_operator_hooks(std::string& why) {
  static const Loaded loaded = load();
  if (loaded.hooks == nullptr) why = loaded.why;
  return loaded.hooks;
}

}  // namespace haywatt::baler
