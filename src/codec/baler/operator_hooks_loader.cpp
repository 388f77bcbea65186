#include <dlfcn.h>

#include <mutex>

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

std::mutex starting;
const OperatorListener* heard_by = nullptr;  // under the mutex

}  // namespace

void start_operator_hooks() {
  OperatorListener* listener = operator_listener();
  std::string why;
  const OperatorHooks* hooks = listener == nullptr ? nullptr : load_operator_hooks(why);
  const std::lock_guard lock(starting);
  if (hooks == nullptr || heard_by == listener) return;
  hooks->start(*listener, {});
  heard_by = listener;
}

HookCost stop_operator_hooks() {
  const std::lock_guard lock(starting);
  if (heard_by == nullptr) return {};
  heard_by = nullptr;
  std::string why;
  return load_operator_hooks(why)->stop();
}

const OperatorHooks* load_operator_hooks(std::string& why) {
  static const Loaded loaded = load();
  if (loaded.hooks == nullptr) why = loaded.why;
  return loaded.hooks;
}

}  // namespace haywatt::baler
