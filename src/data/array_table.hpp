/// Tables made of numpy arrays: what the arrays of an .npz or .npy mean, and reading their rows.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/byte_source.hpp"
#include "data/npy_header.hpp"
#include "haywatt/data/table_io.hpp"

namespace haywatt::data {

struct NamedArray {
  std::string key;
  std::shared_ptr<const ByteSource> bytes;  ///< a complete .npy file
  NpyHeader header;
};

/// The name of the only column of a bare .npy, and the key that its array gets in an .npz (as in Baler's files).
inline constexpr const char* bare_array_name = "data";

/// `format` is "npz" or "npy". Carried and Names arrays are read into memory, together at most `memory_bytes`, else
/// Error(System).
[[nodiscard]] std::unique_ptr<TableReader> make_array_table(const std::string& path, const std::string& format,
                                                            std::uint64_t file_bytes,
                                                            const std::vector<NamedArray>& arrays,
                                                            std::uint64_t memory_bytes);

/// The arrays of an archive in its order, every checksum checked.
[[nodiscard]] std::vector<NamedArray> open_npz_arrays(const std::string& path, const ReadOptions& options);
[[nodiscard]] std::unique_ptr<TableReader> open_npz(const std::string& path, const ReadOptions& options);
[[nodiscard]] std::unique_ptr<TableReader> open_npy(const std::string& path, const ReadOptions& options);

}  // namespace haywatt::data
