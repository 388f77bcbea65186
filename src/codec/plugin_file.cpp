#include "codec/plugin_file.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace haywatt {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> search_folders() {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv("HAYWATT_PLUGIN_DIR"); named != nullptr && *named != '\0')
    folders.emplace_back(named);
  std::error_code none;
  const fs::path executable = fs::read_symlink("/proc/self/exe", none);
  if (!executable.empty()) {
    folders.push_back(executable.parent_path());
    folders.push_back(executable.parent_path().parent_path() / "lib" / "haywatt");
  }
  return folders;
}

}  // namespace

std::string find_plugin_file(const std::string& file_name, std::string& looked) {
  looked.clear();
  for (const fs::path& folder : search_folders()) {
    const fs::path file = folder / file_name;
    std::error_code none;
    if (fs::is_regular_file(file, none)) return file.string();
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  return {};
}

void* load_plugin_file(const std::string& path, const char* entry, int flags, std::string& why) {
  // Never closed: what it made, and exceptions thrown by it, live as long as the process.
  void* library = ::dlopen(path.c_str(), flags);
  void* symbol = library == nullptr ? nullptr : ::dlsym(library, entry);
  if (symbol == nullptr) {
    const char* error = ::dlerror();
    why = "cannot load " + path + ": " + (error == nullptr ? "unknown reason" : error);
  }
  return symbol;
}

}  // namespace haywatt
