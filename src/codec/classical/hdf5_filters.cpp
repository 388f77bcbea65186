#include "codec/classical/hdf5_filters.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "codec/options.hpp"

namespace haywatt::hdf5 {
namespace {

using Parameters = std::vector<unsigned>;

unsigned high_half(double d) { return static_cast<unsigned>(std::bit_cast<std::uint64_t>(d) >> 32); }
unsigned low_half(double d) { return static_cast<unsigned>(std::bit_cast<std::uint64_t>(d)); }

/// SZ2 and SZ3: error mode (0 absolute), then four tolerances, each as the high and the low half of a double.
Parameters sz_parameters(double tolerance) { return {0, high_half(tolerance), low_half(tolerance), 0, 0, 0, 0, 0, 0}; }

/// H5Z-ZFP: mode 3 accuracy, a gap, the double in memory order, a gap.
Parameters zfp_parameters(double tolerance) { return {3, 0, low_half(tolerance), high_half(tolerance), 0, 0}; }

/// H5Z-SPERR packs mode and quality into one word: mode 3 (point-wise error) in bits 28 to 31, below it the sign and
/// the magnitude of log2(tolerance) with 16 binary places, rounded towards the smaller tolerance.
Parameters sperr_parameters(double tolerance) {
  const double places = std::log2(tolerance) * 65536.0;
  const double limit = 0x7FFFFFF;
  const double magnitude = std::min(places < 0 ? std::ceil(-places) : std::floor(places), limit);
  const unsigned sign = places < 0 ? 1U << 27 : 0U;
  return {(3U << 28) | sign | static_cast<unsigned>(magnitude), 0};
}

unsigned level(const MethodSpec& spec, int fallback, int low, int high) {
  return static_cast<unsigned>(integer_option(spec, "level", fallback, low, high));
}

const std::vector<std::string> blosc_names{"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"};
const std::vector<std::string> shuffle_names{"none", "byte", "bit"};

std::function<Parameters(const MethodSpec&)> blosc_parameters(const std::string& compressor) {
  return [compressor](const MethodSpec& spec) -> Parameters {
    return {0,
            0,
            0,
            0,
            level(spec, 5, 0, 9),
            static_cast<unsigned>(choice_option(spec, "shuffle", "byte", shuffle_names)),
            static_cast<unsigned>(choice_option(spec, "compressor", compressor, blosc_names))};
  };
}

Parameters bitshuffle_parameters(const MethodSpec& spec) {
  // After the block size (0: chosen by the filter) the compressor: 2 lz4, 3 zstd and its level.
  if (choice_option(spec, "compressor", "lz4", {"lz4", "zstd"}) == 0) return {0, 2};
  return {0, 3, level(spec, 3, 1, 22)};
}

KnownFilter lossless(std::string name, std::string description, int id, std::vector<std::string> files, bool shuffle,
                     std::vector<OptionInfo> options, std::function<Parameters(const MethodSpec&)> parameters) {
  KnownFilter f;
  f.name = std::move(name);
  f.description = std::move(description);
  f.id = id;
  f.file_names = std::move(files);
  f.shuffle = shuffle;
  f.options = std::move(options);
  f.lossless_parameters = std::move(parameters);
  return f;
}

KnownFilter lossy(std::string name, std::string description, int id, std::vector<std::string> files,
                  Parameters (*parameters)(double), std::size_t least_rank, std::size_t most_rank,
                  std::uint64_t least_extent) {
  KnownFilter f;
  f.name = std::move(name);
  f.description = std::move(description);
  f.id = id;
  f.file_names = std::move(files);
  f.tolerance_parameters = parameters;
  f.least_rank = least_rank;
  f.most_rank = most_rank;
  f.least_extent = least_extent;
  return f;
}

std::vector<KnownFilter> make_filters() {
  const OptionInfo blosc_level{"level", "0 to 9", "5"};
  const OptionInfo blosc_shuffle{"shuffle", "none, byte or bit", "byte"};
  const std::string compressors = "blosclz, lz4, lz4hc, snappy, zlib or zstd, as far as the plug-in has them";
  std::vector<KnownFilter> filters{
      lossless("bitshuffle", "Bitshuffle with lz4 or zstd", 32008, {"bshuf", "bitshuffle"}, false,
               {{"compressor", "lz4 or zstd", "lz4"}, {"level", "of zstd, 1 to 22", "3"}}, bitshuffle_parameters),
      lossless("blosc", "Blosc", 32001, {"blosc"}, false,
               {{"compressor", compressors, "lz4"}, blosc_level, blosc_shuffle}, blosc_parameters("lz4")),
      lossless("blosc2", "Blosc2", 32026, {"blosc2"}, false,
               {{"compressor", compressors, "blosclz"}, blosc_level, blosc_shuffle}, blosc_parameters("blosclz")),
      lossless("bzip2", "bzip2 after HDF5's byte shuffle", 307, {"bzip2", "bz2"}, true,
               {{"level", "1 to 9: hundreds of kB a block", "9"}},
               [](const MethodSpec& s) { return Parameters{level(s, 9, 1, 9)}; }),
      lossless("lz4", "LZ4 after HDF5's byte shuffle", 32004, {"lz4"}, true, {},
               [](const MethodSpec&) { return Parameters{0}; }),
      lossless("zstd", "Zstandard after HDF5's byte shuffle", 32015, {"zstd"}, true, {{"level", "1 to 22", "3"}},
               [](const MethodSpec& s) { return Parameters{level(s, 3, 1, 22)}; }),
      lossy("sperr", "SPERR wavelets, fields of 2 or 3 dimensions", 32028, {"sperr"}, sperr_parameters, 2, 3, 9),
      lossy("sz", "SZ2 prediction, absolute error", 32017, {"sz"}, sz_parameters, 1, 4, 1),
      lossy("sz3", "SZ3 prediction, absolute error", 32024, {"sz3"}, sz_parameters, 1, 4, 1),
      lossy("zfp", "zfp through HDF5, fixed accuracy or reversible", 32013, {"zfp"}, zfp_parameters, 1, 4, 1)};
  filters.back().reversible_parameters = {5, 0, 0, 0, 0, 0};
  return filters;
}

}  // namespace

const std::vector<KnownFilter>& known_filters() {
  static const std::vector<KnownFilter> filters = make_filters();
  return filters;
}

}  // namespace haywatt::hdf5
