/// Writers of .npz (stored) and .npy.
#pragma once
#include <memory>
#include <string>

#include "haywatt/data/table_io.hpp"

namespace haywatt::data {

[[nodiscard]] std::unique_ptr<TableWriter> create_npz(const std::string& path, const Schema& schema,
                                                      AtomicFile::Existing existing);
/// Error(Usage) unless the schema has exactly one array.
[[nodiscard]] std::unique_ptr<TableWriter> create_npy(const std::string& path, const Schema& schema,
                                                      AtomicFile::Existing existing);

}  // namespace haywatt::data
