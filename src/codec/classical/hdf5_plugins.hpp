/// Where HDF5 filter plug-ins lie on this machine. Only folders are listed: nothing is loaded, no Python is run.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace haywatt::hdf5 {

/// Folders that may hold plug-ins, in order of preference: those of HDF5_PLUGIN_PATH; the `hdf5plugin` package from
/// PyPI below lib/haywatt beside the program's folder, in VIRTUAL_ENV, ~/.local, /usr/local and /usr; HDF5's default.
[[nodiscard]] std::vector<std::string> plugin_folders();

struct PluginFile {
  std::string folder;
  std::string file;
  std::string package;  ///< "hdf5plugin 7.1.0" if it belongs to that, else the file's name
};
/// What is found there, by lower-case name as filters are known: libh5sz3.so, libH5Zsz3.so and libhdf5sz3.so are all
/// "sz3". The first folder that has one counts.
[[nodiscard]] std::map<std::string, PluginFile> find_plugins(const std::vector<std::string>& folders);

}  // namespace haywatt::hdf5
