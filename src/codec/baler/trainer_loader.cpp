#include <dlfcn.h>

#include "codec/plugin_file.hpp"
#include "haywatt/codec/baler/operator_hooks.hpp"
#include "haywatt/codec/baler/trainer.hpp"

namespace haywatt::baler {
namespace {

constexpr const char* file_name = "libhaywatt_torch.so";
constexpr const char* entry_name = "haywatt_trainer_v2";

struct Loaded {
  const Trainer* trainer = nullptr;
  std::string why;
};

Loaded load() {
  Loaded loaded;
  const std::string path = find_trainer_plugin(loaded.why);
  if (path.empty()) return loaded;
  if (void* entry = load_plugin_file(path, entry_name, RTLD_NOW | RTLD_LOCAL, loaded.why))
    loaded.trainer = reinterpret_cast<TrainerEntry>(entry)();
  return loaded;
}

}  // namespace

std::string find_trainer_plugin(std::string& why) {
  std::string looked;
  std::string path = find_plugin_file(file_name, looked);
  if (path.empty())
    why = std::string("training needs ") + file_name + ", not found in " + looked +
          ": install libtorch-dev and build with -DHAYWATT_TORCH=ON";
  return path;
}

const Trainer* load_trainer(std::string& why) {
  static const Loaded loaded = load();
  if (loaded.trainer == nullptr)
    why = loaded.why;
  else
    start_operator_hooks();
  return loaded.trainer;
}

}  // namespace haywatt::baler
