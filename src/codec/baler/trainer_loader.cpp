#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/trainer.hpp"

namespace haywatt::baler {
namespace {

constexpr const char* file_name = "libhaywatt_torch.so";
constexpr const char* entry_name = "haywatt_trainer_v1";

std::vector<std::filesystem::path> search_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* named = std::getenv("HAYWATT_PLUGIN_DIR"); named != nullptr && *named != '\0')
    folders.emplace_back(named);
  std::error_code none;
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe", none);
  if (!executable.empty()) {
    folders.push_back(executable.parent_path());
    folders.push_back(executable.parent_path().parent_path() / "lib" / "haywatt");
  }
  return folders;
}

struct Loaded {
  const Trainer* trainer = nullptr;
  std::string why;
};

Loaded load() {
  Loaded loaded;
  const std::string path = find_trainer_plugin(loaded.why);
  if (path.empty()) return loaded;
  // Never closed: the trainer, and exceptions thrown by it, live as long as the process.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* entry = library == nullptr ? nullptr : dlsym(library, entry_name);
  if (entry == nullptr) {
    const char* error = dlerror();
    loaded.why = "cannot load " + path + ": " + (error == nullptr ? "unknown reason" : error);
    return loaded;
  }
  loaded.trainer = reinterpret_cast<TrainerEntry>(entry)();
  return loaded;
}

}  // namespace

std::string find_trainer_plugin(std::string& why) {
  std::string looked;
  for (const std::filesystem::path& folder : search_folders()) {
    const std::filesystem::path file = folder / file_name;
    std::error_code none;
    if (std::filesystem::is_regular_file(file, none)) return file.string();
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  why = std::string("training needs ") + file_name + ", not found in " + looked +
        ": install libtorch-dev and build with -DHAYWATT_TORCH=ON";
  return {};
}

const Trainer* load_trainer(std::string& why) {
  static const Loaded loaded = load();
  if (loaded.trainer == nullptr) why = loaded.why;
  return loaded.trainer;
}

}  // namespace haywatt::baler
