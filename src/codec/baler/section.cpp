#include "codec/baler/section.hpp"

#include <cmath>

#include "codec/baler/autoencoder.hpp"
#include "codec/baler/model_io.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

constexpr std::uint8_t section_version = 1;
constexpr int float_bits = 23;

[[noreturn]] void damaged(const char* what) { fail_input(std::string("baler model is damaged: ") + what); }

double finite(ByteReader& in) {
  const auto value = in.get<double>();
  if (!std::isfinite(value)) damaged("a range is not finite");
  return value;
}

}  // namespace

ByteVector write_section(const Section& section, int weight_bits) {
  ByteWriter out;
  out.put(section_version);
  out.put(static_cast<std::uint8_t>(section.latent_bits));
  out.put_varint(section.features.size());
  for (std::size_t i = 0; i < section.features.size(); ++i) {
    const FeatureColumn& feature = section.features[i];
    out.put_varint(feature.column);
    out.put(static_cast<std::uint8_t>(feature.whole ? 1 : 0));
    out.put(static_cast<std::uint8_t>(section.codings[i].kind));
    out.put(section.codings[i].drop);
    out.put(section.codings[i].step);
    for (std::size_t k = 0; k < feature.width; ++k) {
      out.put(feature.minimum[k]);
      out.put(feature.range[k]);
    }
  }
  write_model(out, section.model, weight_bits);
  return out.take();
}

Section read_section(ByteSpan bytes, const Schema& schema) {
  ByteReader in(bytes, "baler model");
  if (in.get<std::uint8_t>() != section_version) damaged("an unknown version");
  Section section;
  section.latent_bits = in.get<std::uint8_t>();
  if (section.latent_bits != raw_latents && (section.latent_bits < 1 || section.latent_bits > float_bits))
    damaged("an impossible precision of latents");
  const std::uint64_t count = in.get_varint();
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t column = in.get_varint();
    if (column < next || column >= schema.columns.size()) damaged("a column that the table has not");
    next = column + 1;
    const ColumnInfo& info = schema.columns[static_cast<std::size_t>(column)];
    FeatureColumn feature{static_cast<std::uint32_t>(column), info.dtype, info.values_per_row(), false, {}, {}};
    if (info.layout == Layout::Jagged ||
        info.rows != schema.columns[section.features.empty() ? column : section.features[0].column].rows)
      damaged("a column that the network cannot code");
    feature.whole = in.get<std::uint8_t>() != 0;
    Coding coding;
    coding.kind = static_cast<CodingKind>(in.get<std::uint8_t>());
    coding.drop = in.get<std::uint8_t>();
    coding.step = in.get<double>();
    check_coding(coding, info.dtype);
    if (feature.width > in.remaining() / (2 * sizeof(double))) damaged("it is too short for its columns");
    for (std::uint64_t k = 0; k < feature.width; ++k) {
      feature.minimum.push_back(finite(in));
      feature.range.push_back(finite(in));
    }
    section.features.push_back(std::move(feature));
    section.codings.push_back(coding);
  }
  section.model = read_model(in, feature_count(section.features));
  in.expect_end();
  return section;
}

}  // namespace haywatt::baler
