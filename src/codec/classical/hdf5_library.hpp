/// HDF5's filter pipeline as a function of bytes: one chunk of an array through one filter and back, in memory.
///
/// The serial HDF5 library is not thread-safe: every call here holds one process-wide mutex.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/base/bytes.hpp"
#include "haywatt/data/column.hpp"

namespace haywatt::hdf5 {

/// A filter as a dataset's creation property list names it, and the array that it sees as one chunk.
struct FilterSetup {
  int id = 0;
  std::vector<unsigned> parameters;  ///< "cd_values" as a user would give them
  bool shuffle = false;              ///< HDF5's byte shuffle in front of the filter
  DType type;                        ///< of the array; f4, f8 or an integer type
  std::vector<std::uint64_t> extents;
};

/// The library's functions: it is loaded only when needed, as the plug-in libhaywatt_hdf5.so.
struct Library {
  /// Version of the library in use, "HDF5 1.10.8".
  std::string (*version)();
  /// Makes the filter plug-ins of `folder` loadable.
  void (*add_plugin_folder)(const std::string& folder);
  /// Whether the filter can be loaded and used.
  bool (*filter_loads)(int id);
  /// The chunk as the filter leaves it, read back raw (H5Dread_chunk) after the dataset was closed, so that no cache
  /// answers. Empty if the filter declined (it found nothing to gain). Error(System) if it failed.
  ByteVector (*filter_chunk)(const FilterSetup& setup, ByteSpan values);
  /// Writes `chunk` raw (H5Dwrite_chunk) into a new file in memory, closes and reopens the dataset, and reads it
  /// through the filter. Error(BadInput) if the filter fails or yields another number of bytes than `out` holds.
  void (*unfilter_chunk)(const FilterSetup& setup, ByteSpan chunk, std::span<std::byte> out);
};

/// Loads the plug-in once per process; nullptr if that cannot be, with the reason in `why`. Looked for as
/// find_plugin_file does.
[[nodiscard]] const Library* load_library(std::string& why);

/// The same; Error(Unavailable) with the reason.
[[nodiscard]] const Library& library();

/// The plug-in's only symbol, `haywatt_hdf5_v1`, is of this type; the object lives as long as the process.
using LibraryEntry = const Library* (*)();

}  // namespace haywatt::hdf5
