#include "codec/baler/baler_decoder.hpp"

#include <limits>
#include <vector>

#include "codec/baler/autoencoder.hpp"
#include "codec/baler/plain_column.hpp"
#include "codec/baler/section.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

class BalerDecoder final : public Decoder {
 public:
  BalerDecoder(const TableContext& context, ByteSpan model)
      : columns_(context.schema->columns),
        section_(read_section(model, *context.schema)),
        autoencoder_(make_autoencoder({}, section_.model.decoder, section_.model.float32, section_.features)),
        plain_(columns_.size(), true) {
    for (const FeatureColumn& feature : section_.features) plain_[feature.column] = false;
    section_.model.encoder.clear();
  }

  Chunk decode(const EncodedChunkView& view, const std::vector<bool>& wanted) const override {
    if (view.columns.size() != columns_.size() || view.column_rows.size() != columns_.size() ||
        wanted.size() != columns_.size())
      fail_input("baler chunk is damaged: it has another number of columns than the table");
    Chunk chunk;
    chunk.rows = view.rows;
    chunk.columns.resize(columns_.size());
    decode_features(view, wanted, chunk);
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (wanted[i] && plain_[i]) chunk.columns[i] = decode_plain(columns_[i], view.columns[i], view.column_rows[i]);
    return chunk;
  }

 private:
  void decode_features(const EncodedChunkView& view, const std::vector<bool>& wanted, Chunk& chunk) const {
    const std::uint64_t rows = view.column_rows[section_.features.front().column];
    bool any = false;
    for (const FeatureColumn& feature : section_.features) {
      any = any || wanted[feature.column];
      if (view.column_rows[feature.column] != rows) fail_input("baler chunk is damaged: its columns differ in length");
    }
    if (!any) return;
    if (view.shared.size() != 1) fail_input("baler chunk is damaged: it must have one stream of latents");
    const std::uint64_t latent = section_.model.latent();
    if (rows > std::numeric_limits<std::uint32_t>::max()) fail_input("baler chunk is damaged: too many rows");
    const ByteVector latents =
        unpack_latents(view.shared[0], autoencoder_->latent_bytes(), section_.latent_bits, rows * latent);
    std::vector<std::byte*> targets(section_.features.size(), nullptr);
    for (std::size_t i = 0; i < section_.features.size(); ++i) {
      const FeatureColumn& feature = section_.features[i];
      if (!wanted[feature.column]) continue;
      ColumnData& data = chunk.columns[feature.column];
      data.rows = rows;
      data.values.resize(static_cast<std::size_t>(rows * feature.width * feature.type.size));
      targets[i] = data.values.data();
    }
    autoencoder_->reconstruct(latents, rows, targets);
    for (std::size_t i = 0; i < section_.features.size(); ++i) {
      const FeatureColumn& feature = section_.features[i];
      if (wanted[feature.column])
        decode_residual(section_.codings[i], feature.type, view.columns[feature.column],
                        chunk.columns[feature.column].values);
    }
  }

  std::vector<ColumnInfo> columns_;
  Section section_;
  std::unique_ptr<Autoencoder> autoencoder_;
  std::vector<bool> plain_;
};

}  // namespace

std::unique_ptr<Decoder> make_baler_decoder(const TableContext& context, ByteSpan model) {
  return std::make_unique<BalerDecoder>(context, model);
}

}  // namespace haywatt::baler
