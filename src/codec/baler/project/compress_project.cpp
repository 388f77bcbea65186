#include <algorithm>
#include <filesystem>
#include <mutex>

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

/// One chunk on its way from a thread to the file.
template <class T>
struct Slot {
  std::vector<T> latents;
  ByteVector packed;
  FoundCorrections found;
  std::uint64_t not_finite = 0;
};

/// T: what the network computes in.
template <class T>
class Compressor {
 public:
  Compressor(const ProjectModel& model, const RowSource& source, const ProjectOptions& options,
             std::optional<double> percent)
      : model_(model),
        source_(source),
        options_(options),
        percent_(percent),
        chunk_rows_(rows_per_chunk(model)),
        chunks_((source.rows() + chunk_rows_ - 1) / chunk_rows_),
        packing_(model.settings.extra_compression ? Packing::Deflated : Packing::Stored),
        team_(options.team),
        arithmetic_(options.arithmetic.value_or(own_arithmetic(model))) {
    if (percent_) decoder_ = make_evaluator(model.decoder, arithmetic_);
    if (percent_ && !options.as_baler) keeper_.emplace(model, *percent_);
  }

  void run(const std::string& output, ProjectOutcome& outcome) {
    make_scaler();
    make_encoder(outcome);
    if (!is_first(team_)) return work_for_first();
    NpzFileWriter file(output, packing_, options_.existing);
    file.begin("data", {ScalarKind::Float, sizeof(T), false}, {source_.rows(), model_.latent()});
    Corrections corrections;
    ExactValues exact;
    double worst = 0.0;
    const std::uint64_t window = 2 * static_cast<std::uint64_t>(options_.threads);
    std::vector<Slot<T>> slots(static_cast<std::size_t>(std::min(window, chunks_)));
    exec::ordered_pipeline(
        chunks_, options_.threads, slots.size(),
        [&](std::uint64_t i) {
          if (owns(team_, i)) encode(i, slots[static_cast<std::size_t>(i % slots.size())]);
        },
        [&](std::uint64_t i) {
          Slot<T>& slot = slots[static_cast<std::size_t>(i % slots.size())];
          if (!owns(team_, i)) receive(i, slot);
          const ScopedSpan span("write");
          const ByteSpan values = std::as_bytes(std::span(slot.latents));
          if (packing_ == Packing::Deflated) {
            file.write_packed(values, slot.packed);
          } else {
            file.write(values);
          }
          take(slot.found, corrections, exact);
          worst = std::max(worst, slot.found.worst_relative);
          outcome.not_finite += slot.not_finite;
          options_.progress(done_before_ +
                            (1.0 - done_before_) * static_cast<double>(i + 1) / static_cast<double>(chunks_));
        });
    const ScopedSpan span("write");
    write_rest(file, corrections, exact);
    file.finish();
    std::optional<PendingCorrections> pending;
    if (percent_) {
      outcome.bounded = true;
      outcome.corrections = corrections.size();
      outcome.exact_values = exact.positions.size();
      outcome.worst_relative_percent = options_.as_baler ? 0.0 : 100.0 * worst;
      if (options_.as_baler || corrections.size() > 0)
        pending = write_corrections(
            output, corrections, {source_.rows(), model_.features(), model_.settings.batch_size},
            options_.as_baler ? CorrectionLayout::AsBaler : CorrectionLayout::Padded, options_.existing);
    }
    // All three are whole on disk: what can still fail is giving them names.
    if (pending) {
      pending->commit();
      outcome.correction_bytes = pending->bytes();
    }
    file.commit();
    outcome.file_bytes = file.bytes();
  }

 private:
  /// Another member of the team than the first, which writes.
  void work_for_first() {
    Slot<T> slot;
    for (std::uint64_t i = 0; i < chunks_; ++i) {
      if (!team_->owns(i)) continue;
      encode(i, slot);
      const ScopedSpan span("write");
      ByteWriter w;
      put_values(w, slot.latents);
      put_values(w, slot.packed);
      put_found(w, slot.found);
      w.put(slot.not_finite);
      team_->send_to_first(w.view());
    }
  }
  void receive(std::uint64_t i, Slot<T>& slot) const {
    const ScopedSpan span("encode");
    const ByteVector message = team_->receive_from(static_cast<int>(i % static_cast<std::uint64_t>(team_->members())));
    ByteReader r(message, "a chunk of another process");
    slot.latents = get_values<T>(r);
    slot.packed = get_values<std::byte>(r);
    slot.found = get_found(r);
    slot.not_finite = r.get<std::uint64_t>();
    r.expect_end();
  }

  [[nodiscard]] std::uint64_t rows_of(std::uint64_t chunk) const {
    return std::min(chunk_rows_, source_.rows() - chunk * chunk_rows_);
  }
  [[nodiscard]] ByteVector read(std::uint64_t chunk) const {
    const ScopedSpan span("read");
    return source_.read(chunk * chunk_rows_, rows_of(chunk));
  }

  void make_scaler() {
    const bool normalise = model_.settings.apply_normalization && !model_.settings.custom_norm;
    if (!normalise) {
      scaler_ = cast_scaler(source_.type(), !options_.as_baler);
    } else if (!options_.as_baler) {
      scaler_ = training_scaler(source_.type(), model_);
    } else {
      RangeScan scan(source_.type(), model_.features());
      std::mutex mutex;
      std::uint64_t done = 0;
      done_before_ = 0.3;
      exec::parallel_for(chunks_, options_.threads, [&](std::uint64_t i) {
        if (!owns(team_, i)) return;
        const ByteVector rows = read(i);
        const ScopedSpan span("prepare");
        RangeScan part(source_.type(), model_.features());
        part.add(rows);
        const std::lock_guard lock(mutex);
        scan.merge(part);
        options_.progress(done_before_ * static_cast<double>(++done) / static_cast<double>(chunks_));
      });
      if (team_ != nullptr) scan = scan_of_all(scan);
      scaler_ = numpy_scaler(scan, model_.features());
    }
  }

  /// The ranges that all members of the team found, put together.
  [[nodiscard]] RangeScan scan_of_all(const RangeScan& mine) const {
    const ScopedSpan span("prepare");
    RangeScan all(source_.type(), model_.features());
    ByteVector extremes = mine.extremes();
    if (team_->member() == 0) {
      all.add(extremes);
      for (int m = 1; m < team_->members(); ++m) all.add(team_->receive_from(m));
      extremes = all.extremes();
      team_->share_of_first(extremes);
      return all;
    }
    team_->send_to_first(extremes);
    team_->share_of_first(extremes);
    all.add(extremes);
    return all;
  }

  /// What the network sees of these rows. Returns how many values were not finite.
  std::uint64_t scale(ByteSpan rows, T* x) const {
    if constexpr (sizeof(T) == 8) {
      return scaler_->run(rows, x, nullptr);
    } else {
      return scaler_->run(rows, nullptr, x);
    }
  }

  /// Another arithmetic than the model's own is calibrated on a sample, and judged on it.
  void make_encoder(ProjectOutcome& outcome) {
    if (options_.network) {
      encoder_ = make_evaluator(options_.network);
      return;
    }
    const ScopedSpan span("prepare");
    if (arithmetic_ == own_arithmetic(model_)) {
      encoder_ = make_evaluator(model_.encoder, arithmetic_);
      return;
    }
    constexpr std::uint64_t most_sampled = 4096;
    const auto count = static_cast<std::size_t>(std::min(most_sampled, rows_of(0)));
    const auto features = static_cast<std::size_t>(model_.features()), z = static_cast<std::size_t>(model_.latent());
    std::vector<T> x(count * features);
    scale(source_.read(0, count), x.data());
    const ConstRows sample(x.data(), count, features);
    encoder_ = make_evaluator(model_.encoder, arithmetic_, &sample);
    const auto own_encoder = make_evaluator(model_.encoder, own_arithmetic(model_));
    const auto own_decoder = make_evaluator(model_.decoder, own_arithmetic(model_));
    const auto decoded = [&](const Evaluator& encoder) {
      std::vector<T> latents(count * z);  // as they will be stored
      std::vector<double> y(count * features);
      encoder.run(sample, {latents.data(), count, z});
      own_decoder->run({latents.data(), count, z}, {y.data(), count, features});
      return y;
    };
    outcome.deviation = deviation_of(decoded(*encoder_), decoded(*own_encoder), features);
    outcome.sample_rows = count;
  }

  void encode(std::uint64_t i, Slot<T>& slot) const {
    const ByteVector rows = read(i);
    const auto count = static_cast<std::size_t>(rows_of(i));
    const auto features = static_cast<std::size_t>(model_.features()), z = static_cast<std::size_t>(model_.latent());
    // Baler's own search for corrections looks at x again, and a network of several ranks takes what it is given.
    const bool whole = options_.network || (percent_ && !keeper_);
    const std::size_t block = whole ? count : std::min<std::size_t>(count, rows_per_block(model_));
    const std::size_t row_bytes = features * source_.type().size;
    const ScopedSpan span("encode");
    std::vector<T> x(block * features);
    slot.latents.resize(count * z);
    slot.not_finite = 0;
    for (std::size_t first = 0; first < count; first += block) {
      const std::size_t n = std::min(block, count - first);
      slot.not_finite += scale(ByteSpan(rows).subspan(first * row_bytes, n * row_bytes), x.data());
      encoder_->run({x.data(), n, features}, {slot.latents.data() + first * z, n, z});
    }
    slot.found = {};
    if (percent_) {
      std::vector<T> decoded(count * features);
      decoder_->run({slot.latents.data(), count, z}, {decoded.data(), count, features});
      const std::uint64_t first = i * chunk_rows_ * features;
      if (keeper_) {
        keeper_->find(source_.type(), rows, decoded.data(), first, slot.found);
      } else {
        find_as_baler(decoded.data(), x.data(), decoded.size(), *percent_, first, slot.found.halves);
      }
    }
    if (packing_ == Packing::Deflated)
      slot.packed = NpzFileWriter::deflate_piece(std::as_bytes(std::span(slot.latents)));
  }

  static void take(const FoundCorrections& found, Corrections& corrections, ExactValues& exact) {
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(corrections.positions, found.halves.positions);
    append(corrections.values, found.halves.values);
    append(exact.positions, found.exact_positions);
    append(exact.values, found.exact_values);
  }

  void write_rest(NpzFileWriter& file, const Corrections& corrections, const ExactValues& exact) const {
    if (source_.file().has("names")) {
      file.copy("names", source_.file().npy("names"));
    } else {
      file.begin("names", {}, {0});
    }
    write_range(file);
    if (options_.as_baler) return;
    ProjectMark mark{corrections.size(), exact.positions.size(), {}};
    const bool blocked = model_.settings.block[0] != 0;
    if (blocked)
      mark.frame = {static_cast<std::uint32_t>(source_.shape()[1]), static_cast<std::uint32_t>(source_.shape()[2])};
    if (!blocked && !percent_) return;
    write_mark(file, mark);
    if (!exact.positions.empty())
      write_exact_values(file, exact, source_.type().is_float() && source_.type().size <= 4);
  }

  void write_range(NpzFileWriter& file) const {
    if (!model_.settings.apply_normalization) return file.begin("normalization_features", {}, {0});
    std::vector<std::uint64_t> shape = {2, model_.features()};
    const auto& image = model_.settings.block[0] != 0 ? model_.settings.block : model_.frame;
    if (model_.settings.data_dimension == 2 && image[0] != 0) shape = {2, image[0], image[1]};
    file.begin("normalization_features", model_.range_type, shape);
    for (const std::vector<double>* values : {&model_.minimum, &model_.range})
      file.write(from_doubles(model_.range_type, *values));
  }

  static ByteVector from_doubles(const DType& type, const std::vector<double>& values) {
    ByteWriter w;
    visit_type(type, [&](auto tag) {
      for (const double v : values) {
        const auto typed = nearest<decltype(tag)>(v);
        w.put_bytes(std::as_bytes(std::span(&typed, 1)));
      }
    });
    return w.take();
  }

  const ProjectModel& model_;
  const RowSource& source_;
  const ProjectOptions& options_;
  std::optional<double> percent_;
  std::uint64_t chunk_rows_, chunks_;
  Packing packing_;
  ChunkTeam* team_;
  Arithmetic arithmetic_;
  std::unique_ptr<Evaluator> encoder_, decoder_;
  std::optional<BoundKeeper> keeper_;
  std::unique_ptr<InputScaler> scaler_;
  double done_before_ = 0.0;  ///< share of the work that the first pass takes
};

std::optional<double> bound_of(const ProjectModel& model, const ProjectOptions& options) {
  if (options.as_baler && options.arithmetic) fail_usage("--as-baler computes as Baler does: leave out --arithmetic");
  if (options.as_baler && options.error_bound_percent)
    fail_usage("--as-baler keeps to the project's config: leave out --error-bound");
  const std::optional<double> configured =
      model.settings.error_bounded ? std::optional(model.settings.error_bound_percent) : std::nullopt;
  const std::optional<double> percent = options.error_bound_percent ? options.error_bound_percent : configured;
  if (percent && !(*percent > 0.0)) fail_usage("the error bound must be more than 0 %");
  if (percent) refuse_with_corrections(model, options.arithmetic.value_or(own_arithmetic(model)));
  if (percent && options.as_baler && model.convolutional)
    fail_input("Baler cannot save corrections of a convolutional model: leave out --as-baler");
  return percent;
}

/// Corrections of an earlier compressed.npz must not be taken for those of this one.
void clear_old_corrections(const std::string& output, AtomicFile::Existing existing, bool written) {
  for (const std::string& path : {deltas_path(output), index_path(output)}) {
    if (!std::filesystem::exists(path)) continue;
    if (existing == AtomicFile::Existing::Refuse)
      fail_usage(path + " exists and belongs to another file: use --force to replace it");
    if (!written) std::filesystem::remove(path);
  }
}

}  // namespace

ProjectOutcome compress_project(const ProjectModel& model, const std::string& input, const std::string& output,
                                const ProjectOptions& options) {
  const std::optional<double> percent = bound_of(model, options);
  if (!output.ends_with(".npz")) fail_usage(output + " is not an .npz: Baler's files are");
  if (is_first(options.team) && options.existing == AtomicFile::Existing::Refuse)
    clear_old_corrections(output, options.existing, true);
  std::unique_ptr<RowSource> source;
  {
    const ScopedSpan span("read");
    source = std::make_unique<RowSource>(model, input);
    expect_same_table(options.team, source->file());
  }
  ProjectOutcome outcome;
  if (source->file().has("names") && !model.names.empty() && source->file().strings("names") != model.names)
    outcome.notes.emplace_back("the columns' names are not those that the model was trained on");
  outcome.rows = source->rows();
  outcome.features = model.features();
  outcome.latent = model.latent();
  outcome.input_bytes = source->rows() * model.features() * source->type().size;
  if (options.arithmetic.value_or(own_arithmetic(model)) != Arithmetic::Float64) {
    Compressor<float>(model, *source, options, percent).run(output, outcome);
  } else {
    Compressor<double>(model, *source, options, percent).run(output, outcome);
  }
  if (is_first(options.team) && outcome.correction_bytes == 0)
    clear_old_corrections(output, AtomicFile::Existing::Replace, false);
  return outcome;
}

}  // namespace haywatt::baler
