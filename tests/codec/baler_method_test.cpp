#include "codec/baler/baler_method.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "codec/baler/baler_decoder.hpp"
#include "codec/baler/baler_encoder.hpp"
#include "codec/baler/features.hpp"
#include "codec/baler/scalars.hpp"
#include "codec/baler_golden.hpp"
#include "haywatt/base/error.hpp"
#include "support/memory_table.hpp"

namespace haywatt::baler {
namespace {

using haywatt::test::MemoryTable;

/// Weights from a generator instead of training: corrections must work whatever the network predicts.
class FakeTrainer final : public Trainer {
 public:
  TrainResult train(const std::vector<double>& rows, std::uint64_t columns, const TrainConfig& config,
                    const std::function<void(int, int)>&) const override {
    seen = rows;
    TrainResult result;
    result.model =
        make_model(static_cast<std::uint32_t>(columns), latent_size(columns, config.compression_ratio), config.float32);
    test::fill(result.model, 1);
    if (diverge) result.model.decoder[1].bias[0] = NAN;
    result.train_loss = result.validation_loss = {1.0};
    return result;
  }
  std::string library() const override { return "none"; }
  bool diverge = false;
  mutable std::vector<double> seen;
};

struct Coded {
  ByteVector model;
  std::vector<Chunk> originals, decoded;
  std::vector<EncodedChunk> encoded;
  std::vector<ResolvedBound> bounds;
  std::vector<ColumnStatistics> statistics;
};

EncodedChunkView view_of(const EncodedChunk& encoded, const Chunk& chunk) {
  EncodedChunkView view;
  view.rows = chunk.rows;
  for (const ColumnData& column : chunk.columns) view.column_rows.push_back(column.rows);
  for (const ByteVector& s : encoded.shared) view.shared.emplace_back(s);
  for (const ByteVector& s : encoded.columns) view.columns.emplace_back(s);
  return view;
}

Coded code(const TableReader& table, const std::vector<BoundRule>& rules, const Settings& settings,
           const FakeTrainer& trainer, std::uint64_t chunk_rows = 100) {
  Coded coded;
  const Schema& schema = table.schema();
  coded.statistics = scan_statistics(table, 64);
  coded.bounds = resolve_bounds(rules, schema, coded.statistics);
  const TableContext context{&schema, &coded.bounds};
  const auto encoder = make_baler_encoder(settings, [&trainer] { return &trainer; });
  coded.model = encoder->prepare(table, context, coded.statistics, 1);
  const auto decoder = make_baler_decoder(context, coded.model);
  for (std::uint64_t first = 0; first < schema.rows(); first += chunk_rows) {
    coded.originals.push_back(table.read(first, chunk_rows));
    coded.encoded.push_back(encoder->encode(coded.originals.back()));
    coded.decoded.push_back(decoder->decode(view_of(coded.encoded.back(), coded.originals.back()),
                                            std::vector<bool>(schema.columns.size(), true)));
  }
  return coded;
}

bool special(const DType& type, ByteSpan at) {
  const ResolvedBound anything{BoundKind::Abs, 1e308, 0, ""};
  ByteVector changed(at.begin(), at.end());
  changed[0] ^= std::byte{1};  // a special value must not change at all
  return type.is_float() && !find_violations(type, at, changed, anything, 1.0).empty();
}

/// Rounding to few bits would carry into infinity.
bool nearly_infinite(const DType& type, ByteSpan at) {
  return visit_type(type, [at](auto tag) {
    using T = decltype(tag);
    const double largest = to_working(nearest<T>(std::numeric_limits<double>::max()));
    return std::fabs(static_cast<double>(to_working(load<T>(at.data())))) > largest / 2;
  });
}

class BalerBounds : public testing::TestWithParam<const char*> {};

TEST_P(BalerBounds, HoldForRandomTablesButForSpecialValues) {
  const FakeTrainer trainer;
  int tables = 0;
  std::uint64_t values = 0, missed = 0;
  for (std::uint64_t seed = 1; tables < 20; ++seed) {
    std::mt19937_64 rng(seed);
    const MemoryTable table = haywatt::test::random_table(rng, 250, true);
    std::string why;
    if (find_features(table.schema(), why).empty()) continue;
    ++tables;
    Settings settings;
    settings.float32 = seed % 3 == 0;
    const Coded coded = code(table, {parse_bound_rule(GetParam())}, settings, trainer, 1 + rng() % 120);
    for (std::size_t k = 0; k < coded.decoded.size(); ++k) {
      for (std::size_t c = 0; c < coded.bounds.size(); ++c) {
        const DType& type = table.schema().columns[c].dtype;
        const ColumnData& original = coded.originals[k].columns[c];
        const ColumnData& decoded = coded.decoded[k].columns[c];
        ASSERT_EQ(decoded.rows, original.rows);
        ASSERT_EQ(decoded.offsets, original.offsets);
        ASSERT_EQ(decoded.values.size(), original.values.size());
        values += original.values.size() / type.size;
        for (const std::uint64_t i : find_violations(type, original.values, decoded.values, coded.bounds[c], 1.0)) {
          ++missed;
          const ByteSpan at = ByteSpan(original.values).subspan(i * type.size, type.size);
          ASSERT_TRUE(special(type, at) || nearly_infinite(type, at))
              << "seed " << seed << " column " << c << " (" << type.name() << ") value " << i;
        }
      }
    }
  }
  EXPECT_GT(values, 5000U);
  EXPECT_LT(missed, values / 4);
}

INSTANTIATE_TEST_SUITE_P(Kinds, BalerBounds,
                         testing::Values("lossless", "c*=abs:0.01", "c*=abs:3", "range:1e-3", "rel:1e-3", "rel:2^-10",
                                         "bits:5", "bits:0", "c?=rel:0.7"));

MemoryTable smooth_table(std::size_t rows) {
  MemoryTable table;
  std::vector<float> a(rows), constant(rows, 3.25F);
  std::vector<double> b(rows);
  std::vector<std::int16_t> n(rows);
  test::Lcg g(1);
  for (std::size_t i = 0; i < rows; ++i) {
    a[i] = static_cast<float>(10.0 * g.next());
    b[i] = a[i] * 2.0 + g.next();
    n[i] = static_cast<std::int16_t>(40.0 * g.next());
  }
  table.add_flat("a", {ScalarKind::Float, 4}, a);
  table.add_flat("b", {ScalarKind::Float, 8}, b);
  table.add_flat("n", {ScalarKind::Int, 2}, n);
  table.add_flat("constant", {ScalarKind::Float, 4}, constant);
  return table;
}

TEST(BalerMethod, TrainsOnMinMaxNormalisedRowsInTheDataType) {
  const MemoryTable table = smooth_table(300);
  const FakeTrainer trainer;
  const Coded coded = code(table, {parse_bound_rule("none")}, {}, trainer);
  const Chunk all = table.read(0, 300);
  const auto minimum = static_cast<float>(coded.statistics[0].minimum);
  const float range = static_cast<float>(coded.statistics[0].maximum) - minimum;
  ASSERT_EQ(trainer.seen.size(), 1200U);
  for (std::size_t r = 0; r < 300; ++r) {
    float x = 0;
    std::memcpy(&x, all.columns[0].values.data() + 4 * r, 4);
    EXPECT_EQ(trainer.seen[4 * r], static_cast<double>((x - minimum) / range));
    EXPECT_EQ(trainer.seen[4 * r + 3], 0.0);  // constant: no 0/0
  }
}

TEST(BalerMethod, NoneStoresRawLatentsAndNothingElse) {
  const MemoryTable table = smooth_table(300);
  const FakeTrainer trainer;
  for (const bool float32 : {false, true}) {
    Settings settings;
    settings.float32 = float32;
    const Coded coded = code(table, {parse_bound_rule("none")}, settings, trainer);
    const std::size_t width = float32 ? 4 : 8;
    EXPECT_GT(coded.model.size(), make_model(4, 2, false).parameters() * width);
    for (std::size_t k = 0; k < coded.encoded.size(); ++k) {
      EXPECT_EQ(coded.encoded[k].shared.at(0).size(), coded.originals[k].rows * 2 * width);
      for (const ByteVector& stream : coded.encoded[k].columns) EXPECT_TRUE(stream.empty());
      EXPECT_EQ(coded.decoded[k].columns[3].values, coded.originals[k].columns[3].values);  // the constant
    }
  }
}

TEST(BalerMethod, SpecialValuesTrainAsTheMinimum) {
  MemoryTable table;
  table.add_flat<double>("a", {ScalarKind::Float, 8}, {1.0, NAN, 3.0, HUGE_VAL, -HUGE_VAL, 2.0});
  table.add_flat<double>("b", {ScalarKind::Float, 8}, {NAN, NAN, NAN, NAN, NAN, NAN});
  const FakeTrainer trainer;
  const Coded coded = code(table, {parse_bound_rule("lossless")}, {}, trainer);
  EXPECT_EQ(trainer.seen, (std::vector<double>{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0.5, 0}));
  EXPECT_EQ(coded.decoded[0].columns[0].values, coded.originals[0].columns[0].values);
  EXPECT_EQ(coded.decoded[0].columns[1].values, coded.originals[0].columns[1].values);
}

TEST(BalerMethod, ImagesAreRowsOfPixels) {
  MemoryTable table;
  std::vector<float> pixels(std::size_t{20} * 3 * 4);
  test::Lcg g(2);
  for (float& p : pixels) p = static_cast<float>(g.next());
  ColumnInfo info;
  info.name = "frames";
  info.dtype = {ScalarKind::Float, 4};
  info.layout = Layout::FixedShape;
  info.rows = 20;
  info.inner_shape = {3, 4};
  ColumnData data;
  data.rows = 20;
  data.values.resize(pixels.size() * 4);
  std::memcpy(data.values.data(), pixels.data(), data.values.size());
  table.add(info, data);
  const FakeTrainer trainer;
  const Coded none = code(table, {parse_bound_rule("none")}, {}, trainer, 20);
  EXPECT_EQ(none.encoded[0].shared[0].size(), std::size_t{20} * 6 * sizeof(float));  // float32 unless asked otherwise
  EXPECT_EQ(trainer.seen.size(), pixels.size());
  const Coded exact = code(table, {parse_bound_rule("lossless")}, {}, trainer, 7);
  for (std::size_t k = 0; k < exact.decoded.size(); ++k)
    EXPECT_EQ(exact.decoded[k].columns[0].values, exact.originals[k].columns[0].values);
}

TEST(BalerMethod, DecodesOnlyWhatIsWanted) {
  const MemoryTable table = smooth_table(90);
  const FakeTrainer trainer;
  const Coded coded = code(table, {parse_bound_rule("range:1e-3")}, {}, trainer);
  const TableContext context{&table.schema(), &coded.bounds};
  EncodedChunkView view = view_of(coded.encoded[0], coded.originals[0]);
  view.columns[0] = view.columns[2] = view.columns[3] = {};
  const Chunk chunk = make_baler_decoder(context, coded.model)->decode(view, {false, true, false, false});
  EXPECT_TRUE(chunk.columns[0].values.empty());
  EXPECT_EQ(chunk.columns[1].values, coded.decoded[0].columns[1].values);
}

TEST(BalerMethod, DivergedTrainingIsAnError) {
  FakeTrainer trainer;
  trainer.diverge = true;
  EXPECT_THROW(static_cast<void>(code(smooth_table(50), {parse_bound_rule("none")}, {}, trainer)), Error);
}

TEST(BalerMethod, SaysWhatItCannotDo) {
  const auto method = make_baler_method();
  MemoryTable one;
  one.add_flat<float>("a", {ScalarKind::Float, 4}, {1, 2, 3});
  EXPECT_FALSE(method->inapplicable_reason(one.schema()).empty());
  EXPECT_TRUE(method->inapplicable_reason(smooth_table(3).schema()).empty());
  EXPECT_THROW(static_cast<void>(method->make_encoder(MethodSpec::parse("baler:speed=9"))), Error);
  EXPECT_THROW(static_cast<void>(method->make_encoder(MethodSpec::parse("baler:epochs=-1"))), Error);
}

/// Damaged bytes either decode to some chunk of the right size or are an Error; nothing else.
TEST(BalerMethod, DamageNeverEscapes) {
  const MemoryTable table = smooth_table(80);
  const FakeTrainer trainer;
  int errors = 0;
  for (const char* bound : {"none", "range:1e-2", "lossless"}) {
    const Coded coded = code(table, {parse_bound_rule(bound)}, {}, trainer);
    const TableContext context{&table.schema(), &coded.bounds};
    const auto decoder = make_baler_decoder(context, coded.model);
    const std::vector<bool> wanted(4, true);
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      std::mt19937_64 rng(seed);
      const auto damage = [&rng](ByteVector& bytes) {
        if (bytes.empty()) return;
        const std::size_t at = rng() % std::min<std::size_t>(bytes.size(), rng() % 2 == 0 ? 200 : bytes.size());
        if (rng() % 3 == 0)
          bytes.resize(at);
        else
          bytes[at] = static_cast<std::byte>(rng());
      };
      EncodedChunk encoded = coded.encoded[0];
      ByteVector model = coded.model;
      const auto target = rng() % 6;
      damage(target == 0 ? model : target == 1 ? encoded.shared[0] : encoded.columns[target - 2]);
      try {
        const Chunk chunk =
            target == 0 ? make_baler_decoder(context, model)->decode(view_of(encoded, coded.originals[0]), wanted)
                        : decoder->decode(view_of(encoded, coded.originals[0]), wanted);
        ASSERT_EQ(chunk.columns[1].values.size(), 80 * sizeof(double));
      } catch (const Error& e) {
        ASSERT_EQ(e.kind(), ErrorKind::BadInput);
        ++errors;
      }
    }
    EncodedChunkView view = view_of(coded.encoded[0], coded.originals[0]);
    view.column_rows.assign(4, std::uint64_t{1} << 60);
    EXPECT_THROW(static_cast<void>(decoder->decode(view, wanted)), Error);
    view.column_rows.assign(4, 4000000000U);
    EXPECT_THROW(static_cast<void>(decoder->decode(view, wanted)), Error);
  }
  EXPECT_GT(errors, 200);
}

}  // namespace
}  // namespace haywatt::baler
