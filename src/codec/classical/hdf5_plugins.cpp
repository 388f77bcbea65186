#include "codec/classical/hdf5_plugins.hpp"

#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "haywatt/base/text.hpp"

namespace haywatt::hdf5 {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void append_matches(std::vector<std::string>& folders, const std::string& pattern) {
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_ONLYDIR, nullptr, &found) == 0)
    for (std::size_t i = found.gl_pathc; i-- > 0;) folders.emplace_back(found.gl_pathv[i]);  // newest Python first
  ::globfree(&found);
}

/// Names that a file may stand for: prefixes in use are lib, then h5z, hdf5 or h5; a suffix is _plugin.
std::vector<std::string> names_of(const std::string& file) {
  const auto dot = file.find(".so");
  if (dot == std::string::npos || !file.starts_with("lib")) return {};
  std::string stem = file.substr(3, dot - 3);
  std::transform(stem.begin(), stem.end(), stem.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (stem.ends_with("_plugin")) stem.resize(stem.size() - 7);
  std::vector<std::string> names;
  for (const std::string prefix : {"h5z", "hdf5", "h5"})
    if (stem.starts_with(prefix)) names.push_back(stem.substr(prefix.size()));
  return names;
}

/// "hdf5plugin 7.1.0" from the folder hdf5plugin-7.1.0.dist-info beside the package.
std::string package_of(const fs::path& folder, const std::string& file) {
  const std::string start = "hdf5plugin-";
  const std::string end = ".dist-info";
  std::error_code ignored;
  if (folder.parent_path().filename() == "hdf5plugin")
    for (const auto& entry : fs::directory_iterator(folder.parent_path().parent_path(), ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(start) && name.ends_with(end))
        return "hdf5plugin " + name.substr(start.size(), name.size() - start.size() - end.size());
    }
  return file;
}

}  // namespace

std::vector<std::string> plugin_folders() {
  std::vector<std::string> folders;
  for (const std::string& folder : split(environment("HDF5_PLUGIN_PATH"), ':'))
    if (!folder.empty()) folders.push_back(folder);
  const std::string package = "/hdf5plugin/plugins";
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty())
    append_matches(folders, (program.parent_path().parent_path() / "lib/haywatt").string() + package);
  std::vector<std::string> prefixes{environment("VIRTUAL_ENV")};
  if (const std::string home = environment("HOME"); !home.empty()) prefixes.push_back(home + "/.local");
  prefixes.emplace_back("/usr/local");
  for (const std::string& prefix : prefixes)
    if (!prefix.empty())
      for (const char* packages : {"site-packages", "dist-packages"})
        append_matches(folders, std::string(prefix).append("/lib/python3*/").append(packages).append(package));
  append_matches(folders, "/usr/lib/python3/dist-packages" + package);
  append_matches(folders, "/usr/local/hdf5/lib/plugin");
  return folders;
}

std::map<std::string, PluginFile> find_plugins(const std::vector<std::string>& folders) {
  std::map<std::string, PluginFile> found;
  for (const std::string& folder : folders) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string file = entry.path().filename().string();
      for (const std::string& name : names_of(file))
        found.emplace(name, PluginFile{folder, file, package_of(folder, file)});
    }
  }
  return found;
}

}  // namespace haywatt::hdf5
