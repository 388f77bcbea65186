/// Compressing and decompressing with an imported project: Baler's own files in and out.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "haywatt/codec/baler/project.hpp"
#include "haywatt/codec/chunk_team.hpp"

namespace haywatt::baler {

/// Runs whole rows, without gaps between them, through a network.
using RowFunction = std::function<void(const ConstRows& x, const MutableRows& y)>;

struct ProjectOptions {
  /// As Baler does: the range is found anew in the data to compress, "int" truncates, corrections are Baler's. Else:
  /// the training range, "int" rounds, and corrections hold the physical bound.
  bool as_baler = false;
  /// Compress only: |x' - x| <= percent/100 * |x| for every value. Nothing: what the project's config says.
  std::optional<double> error_bound_percent;
  /// What the network computes in; nothing: the model's own precision. Corrections are made for that only.
  std::optional<Arithmetic> arithmetic;
  int threads = 1;
  AtomicFile::Existing existing = AtomicFile::Existing::Refuse;
  /// Processes that share out the chunks: all of them call the function with the same files and options, member 0
  /// writes, and only its outcome is whole. The bytes are those of one process.
  ChunkTeam* team = nullptr;
  /// Runs the encoder (compress) or the decoder (decompress) in place of this process, in its own precision; called
  /// chunk by chunk. Empty: this process does. Not with `arithmetic`, a team or several threads.
  RowFunction network;
  std::function<void(double)> progress = [](double) {};  ///< share of the work done
};

struct ProjectOutcome {
  std::uint64_t rows = 0, features = 0, latent = 0;
  std::uint64_t input_bytes = 0;       ///< of the values read
  std::uint64_t file_bytes = 0;        ///< of the .npz written
  std::uint64_t correction_bytes = 0;  ///< of the two correction files
  bool bounded = false;
  std::uint64_t corrections = 0;        ///< float16 numbers
  std::uint64_t exact_values = 0;       ///< values stored as they are, where float16 cannot hold the bound
  std::uint64_t not_finite = 0;         ///< values that the network saw as the minimum
  double worst_relative_percent = 0.0;  ///< after correction, over x != 0; only if bounded and not as_baler
  /// Another arithmetic than the model's own: how far its decoded, normalised values are from the own one's, in up to
  /// `sample_rows` rows from the beginning.
  std::optional<Deviation> deviation;
  std::uint64_t sample_rows = 0;
  std::vector<std::string> notes;
};

/// Reads `data` and `names` of the .npz `input`; writes `output` (data, names, normalization_features) and, with
/// corrections, OUTPUT_deltas.npz.gz and OUTPUT_batch_index_metadata.npz.gz beside it (stem of `output`). Memory does
/// not grow with the rows, except by corrections. Same bytes for any number of threads and on every machine
/// (latents of BFloat16 excepted); corrections hold for what any machine decodes.
[[nodiscard]] ProjectOutcome compress_project(const ProjectModel& model, const std::string& input,
                                              const std::string& output, const ProjectOptions& options);

/// The inverse: `output` holds data and names. Corrections beside `input` are applied.
[[nodiscard]] ProjectOutcome decompress_project(const ProjectModel& model, const std::string& input,
                                                const std::string& output, const ProjectOptions& options);

}  // namespace haywatt::baler
