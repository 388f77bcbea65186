#include <dlfcn.h>

#include "codec/classical/hdf5_library.hpp"
#include "codec/plugin_file.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::hdf5 {
namespace {

constexpr const char* file_name = "libhaywatt_hdf5.so";
constexpr const char* entry_name = "haywatt_hdf5_v1";

struct Loaded {
  const Library* library = nullptr;
  std::string why;
};

Loaded load() {
  Loaded loaded;
  std::string looked;
  const std::string path = find_plugin_file(file_name, looked);
  if (path.empty()) {
    loaded.why = std::string("methods hdf5:* need ") + file_name + ", not found in " + looked +
                 ": put it beside the program, or name its folder in HAYWATT_PLUGIN_DIR";
    return loaded;
  }
  // Filters look for HDF5's functions among the global symbols.
  if (void* entry = load_plugin_file(path, entry_name, RTLD_NOW | RTLD_GLOBAL, loaded.why))
    loaded.library = reinterpret_cast<LibraryEntry>(entry)();
  return loaded;
}

}  // namespace

const Library* load_library(std::string& why) {
  static const Loaded loaded = load();
  if (loaded.library == nullptr) why = loaded.why;
  return loaded.library;
}

const Library& library() {
  std::string why;
  const Library* loaded = load_library(why);
  if (loaded == nullptr) fail_unavailable(why);
  return *loaded;
}

}  // namespace haywatt::hdf5
