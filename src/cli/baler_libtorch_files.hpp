/// Baler's files as `haywatt baler-libtorch` reads and writes them.
#pragma once
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/codec/baler/libtorch_baler.hpp"

namespace haywatt::cli {

/// The array "data" of an .npz, whole: float32 as it is, all else as float64, as numpy computes with it.
struct BalerArray {
  std::vector<float> f4;
  std::vector<double> f8;
  std::uint64_t rows = 0, columns = 0;
  ByteVector names_npy;            ///< "names" as a complete .npy; empty if there is none
  std::vector<std::string> names;  ///< the same as text

  [[nodiscard]] baler::ArrayView view() const;
};
/// Error(BadInput) if there is no "data" of two dimensions.
[[nodiscard]] BalerArray read_baler_array(const std::string& path);

/// An AE with its training ranges, from a .hayb. Error(BadInput) if it is of another class.
struct BalerModel {
  baler::Model network;
  baler::Ranges ranges;
};
[[nodiscard]] BalerModel read_baler_model(const std::string& path);
void write_baler_model(const std::string& path, const baler::Model& network, const baler::Ranges& ranges,
                       const BalerArray& table, AtomicFile::Existing existing);

/// compressed.npz: data, names, normalization_features.
void write_baler_compressed(const std::string& path, const baler::NetworkOutput& latents, const baler::Ranges& ranges,
                            const BalerArray& table, AtomicFile::Existing existing);
/// decompressed.npz: data, names.
void write_baler_decompressed(const std::string& path, const baler::NetworkOutput& values, const BalerArray& latents,
                              AtomicFile::Existing existing);

}  // namespace haywatt::cli
