#include <algorithm>
#include <cstring>
#include <filesystem>

#include "codec/baler/project/bound_keeper.hpp"
#include "codec/baler/project/evaluator.hpp"
#include "codec/baler/project/exact_values.hpp"
#include "codec/baler/project/row_source.hpp"
#include "codec/baler/project/team_chunks.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/baler/project_files.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt::baler {
namespace {

using Packing = NpzFileWriter::Packing;

struct Slot {
  ByteVector values, packed;
};

/// T: what the network computes in.
template <class T>
class Decompressor {
 public:
  Decompressor(const ProjectModel& model, const NpzArrays& file, const ProjectOptions& options,
               const std::optional<ProjectMark>& mark)
      : model_(model),
        file_(file),
        options_(options),
        rows_(file.array("data").rows()),
        chunk_rows_(rows_per_chunk(model)),
        chunks_((rows_ + chunk_rows_ - 1) / chunk_rows_),
        packing_(model.settings.extra_compression ? Packing::Deflated : Packing::Stored),
        team_(options.team),
        output_(model, options.as_baler),
        latent_scaler_(cast_scaler(file.array("data").dtype, false)),
        arithmetic_(options.arithmetic.value_or(own_arithmetic(model))) {
    read_corrections_and_values(mark);
  }

  void run(const std::string& path, const std::vector<std::uint64_t>& shape, ProjectOutcome& outcome) {
    make_decoder(outcome);
    if (!is_first(team_)) return work_for_first();
    NpzFileWriter out(path, packing_, options_.existing);
    out.begin("data", {ScalarKind::Float, static_cast<std::uint8_t>(output_.gives_double() ? 8 : 4), false}, shape);
    const std::uint64_t window = 2 * static_cast<std::uint64_t>(options_.threads);
    std::vector<Slot> slots(static_cast<std::size_t>(std::max<std::uint64_t>(1, std::min(window, chunks_))));
    exec::ordered_pipeline(
        chunks_, options_.threads, slots.size(),
        [&](std::uint64_t i) {
          if (owns(team_, i)) decode(i, slots[static_cast<std::size_t>(i % slots.size())]);
        },
        [&](std::uint64_t i) {
          Slot& slot = slots[static_cast<std::size_t>(i % slots.size())];
          if (!owns(team_, i)) receive(i, slot);
          const ScopedSpan span("write");
          if (packing_ == Packing::Deflated) {
            out.write_packed(slot.values, slot.packed);
          } else {
            out.write(slot.values);
          }
          options_.progress(static_cast<double>(i + 1) / static_cast<double>(chunks_));
        });
    const ScopedSpan span("write");
    if (file_.has("names")) {
      out.copy("names", file_.npy("names"));
    } else {
      out.begin("names", {}, {0});
    }
    out.commit();
    outcome.file_bytes = out.bytes();
    outcome.corrections = corrections_.size();
    outcome.exact_values = exact_.positions.size();
  }

 private:
  /// Another member of the team than the first, which writes.
  void work_for_first() {
    Slot slot;
    for (std::uint64_t i = 0; i < chunks_; ++i) {
      if (!team_->owns(i)) continue;
      decode(i, slot);
      const ScopedSpan span("write");
      ByteWriter w;
      put_values(w, slot.values);
      put_values(w, slot.packed);
      team_->send_to_first(w.view());
    }
  }
  void receive(std::uint64_t i, Slot& slot) const {
    const ScopedSpan span("decode");
    const ByteVector message = team_->receive_from(static_cast<int>(i % static_cast<std::uint64_t>(team_->members())));
    ByteReader r(message, "a chunk of another process");
    slot.values = get_values<std::byte>(r);
    slot.packed = get_values<std::byte>(r);
    r.expect_end();
  }

  void read_corrections_and_values(const std::optional<ProjectMark>& mark) {
    const ScopedSpan span("read");
    const CorrectionShape shape = {rows_, model_.features(), model_.settings.batch_size};
    const bool wanted = mark && !options_.as_baler ? mark->corrections > 0 : model_.settings.error_bounded;
    if (wanted) {
      for (const std::string& path : {deltas_path(file_.path()), index_path(file_.path())})
        if (!std::filesystem::exists(path))
          fail_input(path + " is missing: the corrections of " + file_.path() + " belong beside it");
      corrections_ = read_corrections(file_.path(), shape);
      if (mark && corrections_.size() != mark->corrections)
        fail_input(deltas_path(file_.path()) + " holds " + std::to_string(corrections_.size()) + " corrections, " +
                   file_.path() + " belongs to " + std::to_string(mark->corrections) + ": they are of another file");
    }
    if (mark && !options_.as_baler) exact_ = read_exact_values(file_, mark->exact_values, rows_ * model_.features());
  }

  [[nodiscard]] ByteVector read(std::uint64_t first_row, std::size_t count) const {
    const ScopedSpan span("read");
    return file_.read("data", first_row, count);
  }

  /// What the network sees of these rows of the file.
  void scale(ByteSpan rows, T* latents) const {
    if constexpr (sizeof(T) == 8) {
      latent_scaler_->run(rows, latents, nullptr);
    } else {
      latent_scaler_->run(rows, nullptr, latents);
    }
  }

  /// Another arithmetic than the model's own is calibrated on a sample, and judged on it.
  void make_decoder(ProjectOutcome& outcome) {
    const bool corrected_values = corrections_.size() > 0 || !exact_.positions.empty();
    if (corrected_values) refuse_with_corrections(model_, arithmetic_);
    if (options_.network) {
      decoder_ = make_evaluator(options_.network);
      return;
    }
    if (arithmetic_ == own_arithmetic(model_)) {
      decoder_ = make_evaluator(model_.decoder, arithmetic_);
      return;
    }
    constexpr std::uint64_t most_sampled = 4096;
    const auto count = static_cast<std::size_t>(std::min({most_sampled, rows_, chunk_rows_}));
    const auto features = static_cast<std::size_t>(model_.features()), z = static_cast<std::size_t>(model_.latent());
    std::vector<T> latents(count * z);
    scale(read(0, count), latents.data());
    const ConstRows sample(latents.data(), count, z);
    const ScopedSpan span("prepare");
    decoder_ = make_evaluator(model_.decoder, arithmetic_, &sample);
    const auto decoded = [&](const Evaluator& decoder) {
      std::vector<double> y(count * features);
      decoder.run(sample, {y.data(), count, features});
      return y;
    };
    outcome.deviation =
        deviation_of(decoded(*decoder_), decoded(*make_evaluator(model_.decoder, own_arithmetic(model_))), features);
    outcome.sample_rows = count;
  }

  void decode(std::uint64_t i, Slot& slot) const {
    if (output_.gives_double()) {
      decode_as<double>(i, slot);
    } else {
      decode_as<float>(i, slot);
    }
    if (packing_ == Packing::Deflated) slot.packed = NpzFileWriter::deflate_piece(slot.values);
  }

  /// O: what is written.
  template <class O>
  void decode_as(std::uint64_t i, Slot& slot) const {
    const std::uint64_t first_row = i * chunk_rows_;
    const auto count = static_cast<std::size_t>(std::min(chunk_rows_, rows_ - first_row));
    const auto features = static_cast<std::size_t>(model_.features()), z = static_cast<std::size_t>(model_.latent());
    const ByteVector rows = read(first_row, count);
    const ScopedSpan span("decode");
    // A network of several ranks takes what it is given.
    const std::size_t block = options_.network ? count : std::min<std::size_t>(count, rows_per_block(model_));
    const std::size_t row_bytes = z * file_.array("data").dtype.size;
    std::vector<T> latents(block * z), y(block * features);
    std::vector<O> out(y.size());
    slot.values.resize(count * features * sizeof(O));
    for (std::size_t first = 0; first < count; first += block) {
      const std::size_t n = std::min(block, count - first);
      scale(ByteSpan(rows).subspan(first * row_bytes, n * row_bytes), latents.data());
      decoder_->run({latents.data(), n, z}, {y.data(), n, features});
      finish_values(y.data(), (first_row + first) * features, n, out.data());
      std::memcpy(slot.values.data() + first * features * sizeof(O), out.data(), n * features * sizeof(O));
    }
  }

  /// From `rows` rows that the decoder gave, the first value of which is value `begin` of the table, to what is
  /// written. Spoils y.
  template <class O>
  void finish_values(T* y, std::uint64_t begin, std::size_t rows, O* out) const {
    const std::uint64_t end = begin + rows * model_.features();
    const auto from = [begin](const std::vector<std::uint64_t>& positions) {
      return static_cast<std::size_t>(std::lower_bound(positions.begin(), positions.end(), begin) - positions.begin());
    };
    for (std::size_t k = from(corrections_.positions); k < corrections_.size() && corrections_.positions[k] < end;
         ++k) {
      T& value = y[static_cast<std::size_t>(corrections_.positions[k] - begin)];
      value = corrected(value, corrections_.values[k]);
    }
    output_.run(y, rows, out);
    for (std::size_t k = from(exact_.positions); k < exact_.positions.size() && exact_.positions[k] < end; ++k)
      out[static_cast<std::size_t>(exact_.positions[k] - begin)] = static_cast<O>(exact_.values[k]);
  }

  const ProjectModel& model_;
  const NpzArrays& file_;
  const ProjectOptions& options_;
  std::uint64_t rows_, chunk_rows_, chunks_;
  Packing packing_;
  ChunkTeam* team_;
  OutputScaler output_;
  std::unique_ptr<InputScaler> latent_scaler_;
  Arithmetic arithmetic_;
  std::unique_ptr<Evaluator> decoder_;
  Corrections corrections_;
  ExactValues exact_;
};

/// The shape that Baler gives: a table, frames, or frames with one channel.
std::vector<std::uint64_t> output_shape(const ProjectModel& model, std::uint64_t rows,
                                        const std::optional<ProjectMark>& mark, std::vector<std::string>& notes) {
  const ProjectSettings& s = model.settings;
  if (s.data_dimension == 1) return {rows, model.features()};
  std::array<std::uint32_t, 2> frame = mark && mark->frame[0] != 0 ? mark->frame : model.frame;
  std::uint64_t frames = rows;
  if (s.block[0] != 0) {
    const std::uint64_t values = rows * model.features(), pixels = std::uint64_t{frame[0]} * frame[1];
    if (pixels == 0 || values % pixels != 0) {
      notes.emplace_back("the size of the images before they were cut is unknown: blocks are written as they are");
      frame = s.block;
    } else {
      frames = values / pixels;
    }
  }
  if (frame[0] == 0) return {rows, model.features()};
  if (model.convolutional) return {frames, 1, frame[0], frame[1]};
  return {frames, frame[0], frame[1]};
}

}  // namespace

ProjectOutcome decompress_project(const ProjectModel& model, const std::string& input, const std::string& output,
                                  const ProjectOptions& options) {
  if (!output.ends_with(".npz")) fail_usage(output + " is not an .npz: Baler's files are");
  std::unique_ptr<NpzArrays> file;
  {
    const ScopedSpan span("read");
    file = std::make_unique<NpzArrays>(input, reading);
  }
  const auto& data = file->array("data");
  if (data.text || data.shape.size() != 2 || data.shape[1] != model.latent() || data.shape[0] == 0)
    fail_input(input + ": data is not a table of " + std::to_string(model.latent()) +
               " latent values a row, which this model decodes");
  expect_same_table(options.team, *file);
  const std::optional<ProjectMark> mark = read_mark(*file);
  ProjectOutcome outcome;
  outcome.rows = data.shape[0];
  outcome.features = model.features();
  outcome.latent = model.latent();
  outcome.input_bytes = data.shape[0] * data.shape[1] * data.dtype.size;
  const auto shape = output_shape(model, outcome.rows, mark, outcome.notes);
  if (mark && options.as_baler && mark->exact_values > 0)
    outcome.notes.emplace_back("as Baler: the values stored exactly, which it does not know, are left out");
  if (options.as_baler && options.arithmetic) fail_usage("--as-baler computes as Baler does: leave out --arithmetic");
  if (options.arithmetic.value_or(own_arithmetic(model)) != Arithmetic::Float64) {
    Decompressor<float>(model, *file, options, mark).run(output, shape, outcome);
  } else {
    Decompressor<double>(model, *file, options, mark).run(output, shape, outcome);
  }
  return outcome;
}

}  // namespace haywatt::baler
