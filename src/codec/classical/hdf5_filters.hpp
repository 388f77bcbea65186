/// The HDF5 filters that are known here and what their parameters ("cd_values") mean, as the `hdf5plugin` package and
/// the filters' own pages document them. Identifiers: https://github.com/HDFGroup/hdf5_plugins (registered filters).
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "haywatt/codec/method.hpp"

namespace haywatt::hdf5 {

struct KnownFilter {
  std::string name;                     ///< after "hdf5:"
  std::string description;              ///< one line
  int id = 0;                           ///< registered identifier
  std::vector<std::string> file_names;  ///< as find_plugins names them
  bool shuffle = false;                 ///< wants HDF5's byte shuffle in front
  std::vector<OptionInfo> options;
  /// Lossless filters: parameters from the options; Error(Usage) for bad ones.
  std::function<std::vector<unsigned>(const MethodSpec&)> lossless_parameters;
  /// Lossy filters: parameters for an absolute error on f4 or f8.
  std::function<std::vector<unsigned>(double tolerance)> tolerance_parameters;
  /// Lossy filters that also have a lossless mode for f4, f8, i4 and i8.
  std::vector<unsigned> reversible_parameters;
  std::size_t least_rank = 1;  ///< of the arrays that a lossy filter takes
  std::size_t most_rank = 1;
  std::uint64_t least_extent = 1;
  [[nodiscard]] bool lossy() const { return static_cast<bool>(tolerance_parameters); }
};

[[nodiscard]] const std::vector<KnownFilter>& known_filters();

}  // namespace haywatt::hdf5
