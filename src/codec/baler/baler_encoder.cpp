#include "codec/baler/baler_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>
#include <utility>

#include "codec/baler/chunk_coder.hpp"
#include "codec/baler/model_io.hpp"
#include "codec/baler/packing.hpp"
#include "codec/baler/plain_column.hpp"
#include "haywatt/base/energy_counter.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/span.hpp"

namespace haywatt::baler {
namespace {

constexpr std::uint64_t sample_rows = 4096;
constexpr double macs_per_thread = 1e8;

/// All rows of the feature columns, normalised, row-major: what Baler trains on.
std::vector<double> normalised_rows(const TableReader& reader, const std::vector<FeatureColumn>& features) {
  const std::uint64_t rows = reader.schema().columns[features.front().column].rows;
  const auto count = static_cast<std::size_t>(feature_count(features));
  std::vector<double> all(static_cast<std::size_t>(rows) * count);
  const std::uint64_t step = reading_rows(reader.schema());
  for (std::uint64_t first = 0; first < rows; first += step) {
    const Chunk chunk = reader.read(first, std::min(step, rows - first));
    std::size_t at = 0;
    for (const FeatureColumn& feature : features) {
      const ColumnData& data = chunk.columns[feature.column];
      normalise(feature, data.values.data(), static_cast<std::size_t>(data.rows),
                all.data() + static_cast<std::size_t>(first) * count + at, 1, count);
      at += static_cast<std::size_t>(feature.width);
    }
  }
  return all;
}

std::function<double()> own_joules() {
  EnergyCounter* counter = energy_counter();
  if (counter == nullptr)
    fail_unavailable("baler: stop=energy needs the joules of this program, which nobody tells here");
  return [counter] { return counter->joules(); };
}

void tell_why_it_stopped(const TrainResult& result) {
  const auto epochs = result.train_loss.size();
  log::info(fmt::format(
      "baler: {} after {} epochs: one more would save about {:.3g} B, worth {:.3g} J, and cost {:.3g} J; {}",
      result.stopped_by == StopReason::Energy ? "stopped by energy" : "not stopped by energy", epochs,
      result.next_gain_B, result.next_gain_J, result.epoch_J, energy_counter()->source()));
}

class BalerEncoder final : public Encoder {
 public:
  BalerEncoder(const Settings& settings, std::function<const Trainer*()> trainer)
      : settings_(settings), trainer_(std::move(trainer)) {}

  ByteVector prepare(const TableReader& reader, const TableContext& context,
                     const std::vector<ColumnStatistics>& statistics, int threads) override {
    std::string why;
    Section section;
    section.features = find_features(*context.schema, why);
    if (section.features.empty()) fail_usage(why);
    settings_.train.threads = train_threads(feature_count(section.features), threads);
    const bool field = section.features.front().width > 1;
    settings_.train.float32 = settings_.float32.value_or(field);
    TrainResult trained;
    try {
      trained = train(reader, statistics, section);
    } catch (const std::bad_alloc&) {
      fail_system("not enough memory to train baler's network on all " +
                  std::to_string(reader.schema().columns[section.features.front().column].rows) + " rows at once");
    }
    for (const FeatureColumn& feature : section.features)
      section.codings.push_back(
          choose_coding(feature.type, (*context.bounds)[feature.column], statistics[feature.column]));
    const int weight_bits = choose_what_is_stored(reader, trained.model, section);
    coder_ = std::make_unique<ChunkCoder>(trained.model.encoder, section);
    plain_.assign(context.schema->columns.size(), true);
    for (const FeatureColumn& feature : section.features) plain_[feature.column] = false;
    columns_ = context.schema->columns;
    counts_["latent_mantissa_bits"] = section.latent_bits;
    counts_["weight_mantissa_bits"] = weight_bits;
    return write_section(section, weight_bits);
  }

  EncodedChunk encode(const Chunk& chunk) const override {
    EncodedChunk out;
    out.columns.resize(columns_.size());
    coder_->encode(chunk, final_level, out);
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (plain_[i]) out.columns[i] = encode_plain(columns_[i], chunk.columns[i]);
    return out;
  }

  MethodCounts counts() const override { return counts_; }

 private:
  TrainResult train(const TableReader& reader, const std::vector<ColumnStatistics>& statistics, Section& section) {
    measure_ranges(section.features, reader, statistics);
    const std::vector<double> rows = normalised_rows(reader, section.features);
    const std::uint64_t columns = feature_count(section.features);
    if (settings_.energy_stop) settings_.train.energy_stop.joules = own_joules();
    const auto start = std::chrono::steady_clock::now();
    const ScopedSpan span("train");
    TrainResult result = trainer_()->train(rows, columns, settings_.train, {});
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (!all_finite(result.model)) fail_check("baler's training diverged (weights are not finite): use a smaller lr");
    if (result.reference_blas)
      log::warning("libtorch uses the reference BLAS, about four times slower: install libopenblas0-pthread");
    log::detail(fmt::format("baler: {} epochs in {:.3f} s, loss {:.6g}; {}", result.train_loss.size(), elapsed.count(),
                            result.train_loss.back(), result.library));
    if (settings_.energy_stop) tell_why_it_stopped(result);
    count(result, rows.size() / columns);
    return result;
  }

  /// Threads share a batch by rows and wait for each other four times a batch: a small batch is not worth it.
  [[nodiscard]] int train_threads(std::uint64_t columns, int available) const {
    if (settings_.train_threads > 0) return settings_.train_threads;
    const Model shape =
        make_model(static_cast<std::uint32_t>(columns), latent_size(columns, settings_.train.compression_ratio), false);
    const double macs = static_cast<double>(shape.macs_encode_per_row() + shape.macs_decode_per_row());
    const double busy = settings_.train.batch_size * macs / macs_per_thread;
    return static_cast<int>(std::clamp(busy, 1.0, static_cast<double>(std::max(available, 1))));
  }

  void count(const TrainResult& result, std::uint64_t rows) {
    const auto macs_encode = static_cast<double>(result.model.macs_encode_per_row());
    const auto macs_decode = static_cast<double>(result.model.macs_decode_per_row());
    const auto epochs = static_cast<double>(result.train_loss.size());
    const auto tested = std::ceil(settings_.train.test_size * static_cast<double>(rows));
    const double trained = static_cast<double>(rows) - tested;
    // Backward: gradients of all weights, and of all layers' inputs but the table itself.
    const double forward = macs_encode + macs_decode;
    const double first = static_cast<double>(result.model.encoder.front().weight.size());
    counts_ = {{"parameters", static_cast<double>(result.model.parameters())},
               {"latent", static_cast<double>(result.model.latent())},
               {"macs_encode_per_row", macs_encode},
               {"macs_decode_per_row", macs_decode},
               {"macs_train", epochs * (trained * (3.0 * forward - first) + tested * forward)},
               {"epochs", epochs},
               {"train_loss", result.train_loss.back()},
               {"validation_loss", result.validation_loss.back()},
               {"reference_blas", result.reference_blas ? 1.0 : 0.0}};
    if (!settings_.energy_stop) return;
    counts_["stopped_by_energy"] = result.stopped_by == StopReason::Energy ? 1.0 : 0.0;
    counts_["epoch_J"] = result.epoch_J;
    counts_["next_epoch_gain_B"] = result.next_gain_B;
    counts_["next_epoch_gain_J"] = result.next_gain_J;
  }

  /// Sets section.latent_bits and section.model; returns the bits of the stored weights.
  static int choose_what_is_stored(const TableReader& reader, const Model& trained, Section& section) {
    const bool corrected = std::none_of(section.codings.begin(), section.codings.end(),
                                        [](const Coding& c) { return c.kind == CodingKind::None; });
    if (!corrected) {  // what Baler stores
      section.latent_bits = raw_latents;
      section.model = trained;
      return all_bits;
    }
    const std::uint64_t rows = reader.schema().columns[section.features.front().column].rows;
    const std::uint64_t take = std::min({rows, sample_rows, reading_rows(reader.schema())});
    const Chunk sample = reader.read((rows - take) / 2, take);
    return choose_precisions(trained, sample, static_cast<double>(rows) / static_cast<double>(take), section);
  }

  Settings settings_;
  std::function<const Trainer*()> trainer_;
  MethodCounts counts_;
  std::vector<ColumnInfo> columns_;
  std::vector<bool> plain_;
  std::unique_ptr<ChunkCoder> coder_;
};

}  // namespace

std::unique_ptr<Encoder> make_baler_encoder(const Settings& settings, std::function<const Trainer*()> trainer) {
  return std::make_unique<BalerEncoder>(settings, std::move(trainer));
}

}  // namespace haywatt::baler
