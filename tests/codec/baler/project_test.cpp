/// Real projects of Baler 1.4.0, and classes as torch computes them (tests/golden/baler/README.md).
#include "codec/baler/project/corrections.hpp"
#include "codec/baler/project/evaluator.hpp"
#include "codec/baler/project/type_list.hpp"
#include "codec/baler/project_files.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/gzip_file.hpp"

namespace haywatt::baler {
namespace {

using test::golden_baler;
using test::largest_difference;
using test::values;
using test::workspace;

struct Golden {
  std::string project, model, input;  ///< `model`: the project whose model and range it uses
  double latents, output;             ///< tolerances
  std::size_t corrections;            ///< 0: none
};

void PrintTo(const Golden& g, std::ostream* out) { *out << g.project; }

class GoldenProject : public test::ProjectTest, public testing::WithParamInterface<Golden> {};

INSTANTIATE_TEST_SUITE_P(Baler, GoldenProject,
                         testing::Values(Golden{"jets", "jets", "jets.npz", 1e-12, 1e-10, 19092},
                                         Golden{"jets_transfer", "jets", "jets_transfer.npz", 1e-12, 1e-10, 4929},
                                         Golden{"fpga", "fpga", "jets_transfer.npz", 1e-12, 1e-10, 0},
                                         Golden{"cfd", "cfd", "cfd16.npz", 1e-6, 1e-6, 1636}),
                         [](const auto& c) { return c.param.project; });

TEST_P(GoldenProject, CompressedAsBalerIsBalersFile) {
  const Golden& g = GetParam();
  ProjectOptions options;
  options.as_baler = true;
  const ProjectOutcome o =
      compress_project(import(workspace(g.model)), workspace("data/" + g.input), path("compressed.npz"), options);
  const std::string theirs = workspace(g.project + "/output/compressed_output/compressed.npz");
  const double off = largest_difference(values(path("compressed.npz")), values(theirs));
  RecordProperty("latents_off", std::to_string(off));
  EXPECT_LE(off, g.latents);
  const NpzArrays a(path("compressed.npz")), b(theirs);
  for (const char* key : {"names", "normalization_features"}) EXPECT_EQ(a.npy(key), b.npy(key)) << key;
  EXPECT_EQ(a.array("data").dtype, b.array("data").dtype);
  EXPECT_FALSE(a.has("haywatt"));
  EXPECT_EQ(o.corrections, g.corrections);
  if (g.corrections == 0) return;
  constexpr std::uint64_t most = std::uint64_t{1} << 24;
  EXPECT_EQ(read_gzip_file(deltas_path(path("compressed.npz")), most), read_gzip_file(deltas_path(theirs), most));
  EXPECT_EQ(read_gzip_file(index_path(path("compressed.npz")), most), read_gzip_file(index_path(theirs), most));
}

TEST_P(GoldenProject, BalersFileIsDecompressedAsBalerDid) {
  const Golden& g = GetParam();
  ProjectOptions options;
  options.as_baler = true;
  const ProjectOutcome o =
      decompress_project(import(workspace(g.model)), workspace(g.project + "/output/compressed_output/compressed.npz"),
                         path("out.npz"), options);
  const std::string theirs = workspace(g.project + "/output/decompressed_output/decompressed.npz");
  const double off = largest_difference(values(path("out.npz")), values(theirs));
  RecordProperty("output_off", std::to_string(off));
  EXPECT_LE(off, g.output);
  const NpzArrays a(path("out.npz")), b(theirs);
  EXPECT_EQ(a.array("data").shape, b.array("data").shape);
  EXPECT_EQ(a.array("data").dtype, b.array("data").dtype);
  EXPECT_EQ(a.npy("names"), b.npy("names"));
  EXPECT_EQ(o.corrections, g.corrections);
}

TEST_P(GoldenProject, TheBoundHoldsForEveryValueThatIsDecompressed) {
  const Golden& g = GetParam();
  const std::string input = workspace("data/" + g.input);
  const ProjectModel model = import(workspace(g.model));
  for (const double percent : {10.0, 0.5}) {
    ProjectOptions options;
    options.existing = AtomicFile::Existing::Replace;
    options.error_bound_percent = percent;
    options.threads = 2;
    const ProjectOutcome o = compress_project(model, input, path("c.npz"), options);
    static_cast<void>(decompress_project(model, path("c.npz"), path("d.npz"), options));
    const auto x = values(input), y = values(path("d.npz"));
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      ASSERT_LE(std::fabs(y[i] - x[i]), percent / 100 * std::fabs(x[i]) * (1 + 1e-12)) << i;
    EXPECT_LE(o.worst_relative_percent, percent * (1 + 1e-12));
    // Baler's corrections alone, as it would read ours, are applied where it looks for them.
    if (o.corrections == 0) continue;
    EXPECT_EQ(read_corrections(path("c.npz"), {o.rows, o.features, model.settings.batch_size}).size(), o.corrections);
  }
}

TEST_P(GoldenProject, ThreadsChangeNoByte) {
  const Golden& g = GetParam();
  const ProjectModel model = import(workspace(g.model));
  std::vector<ByteVector> files;
  for (const int threads : {1, 3}) {
    ProjectOptions options;
    options.threads = threads;
    options.as_baler = true;
    options.existing = AtomicFile::Existing::Replace;
    static_cast<void>(compress_project(model, workspace("data/" + g.input), path("c.npz"), options));
    const InputFile file(path("c.npz"));
    files.push_back(file.read_at(0, file.size()));
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST_P(GoldenProject, SurvivesItsFile) {
  const ProjectModel model = import(workspace(GetParam().model));
  write_hayb(path("m.hayb"), model, AtomicFile::Existing::Refuse);
  const ProjectModel back = read_hayb(path("m.hayb"));
  ASSERT_EQ(back.encoder.size(), model.encoder.size());
  for (std::size_t i = 0; i < model.encoder.size(); ++i) EXPECT_EQ(back.encoder[i].weight, model.encoder[i].weight);
  EXPECT_EQ(back.minimum, model.minimum);
  EXPECT_EQ(back.names, model.names);
  EXPECT_EQ(back.settings.type_list, model.settings.type_list);
  EXPECT_EQ(back.sources, model.sources);
  EXPECT_EQ(back.frame, model.frame);
}

class Transfer : public test::ProjectTest {};

TEST_F(Transfer, ByTheTrainingRangeARowsLatentsDoNotDependOnTheOtherRows) {
  const ProjectModel model = import(workspace("jets"));
  const NpzArrays all(workspace("data/jets.npz"));
  NpzFileWriter few(path("few.npz"), NpzFileWriter::Packing::Deflated, AtomicFile::Existing::Refuse);
  few.begin("data", all.array("data").dtype, {300, 24});
  few.write(all.read("data", 0, 300));
  few.copy("names", all.npy("names"));
  few.commit();
  for (const bool as_baler : {false, true}) {
    ProjectOptions options;
    options.as_baler = as_baler;
    options.existing = AtomicFile::Existing::Replace;
    static_cast<void>(compress_project(model, path("few.npz"), path("a.npz"), options));
    static_cast<void>(compress_project(model, all.path(), path("b.npz"), options));
    auto whole = values(path("b.npz"));
    whole.resize(300 * 15);
    // Baler finds the range anew, so what else is in the table moves every latent.
    EXPECT_EQ(values(path("a.npz")) == whole, !as_baler);
  }
}

TEST_F(Transfer, CustomNormIsLeftAloneBothWaysButNotAsBaler) {
  ProjectModel model = import(workspace("jets"));
  model.settings.error_bounded = false;
  model.settings.custom_norm = true;
  model.settings.type_list.clear();
  std::vector<std::vector<double>> outputs;
  for (const bool as_baler : {false, true}) {
    ProjectOptions options;
    options.as_baler = as_baler;
    options.existing = AtomicFile::Existing::Replace;
    static_cast<void>(compress_project(model, workspace("data/jets.npz"), path("c.npz"), options));
    static_cast<void>(decompress_project(model, path("c.npz"), path("d.npz"), options));
    outputs.push_back(values(path("d.npz")));
  }
  for (std::size_t i = 0; i < outputs[0].size(); ++i)
    ASSERT_EQ(outputs[0][i] * model.range[i % 24] + model.minimum[i % 24], outputs[1][i]);
}

TEST_F(Transfer, AConstantColumnIsNanAsBalerOnly) {
  const ProjectModel model = import(workspace("fpga"));
  const NpzArrays all(workspace("data/jets_transfer.npz"));
  auto data = values(all.path());
  for (std::size_t i = 3; i < data.size(); i += 24) data[i] = 1.25;
  NpzFileWriter file(path("constant.npz"), NpzFileWriter::Packing::Stored, AtomicFile::Existing::Refuse);
  file.begin("data", {ScalarKind::Float, 8, false}, {500, 24});
  file.write(std::as_bytes(std::span(data)));
  file.commit();
  ProjectOptions options;
  options.existing = AtomicFile::Existing::Replace;
  static_cast<void>(compress_project(model, path("constant.npz"), path("c.npz"), options));
  EXPECT_TRUE(std::isfinite(values(path("c.npz"))[0]));
  options.as_baler = true;
  static_cast<void>(compress_project(model, path("constant.npz"), path("c.npz"), options));
  for (const double z : values(path("c.npz"))) ASSERT_TRUE(std::isnan(z));
}

struct ClassCase {
  std::string name;
  double tolerance;
  std::string note;
};
void PrintTo(const ClassCase& c, std::ostream* out) { *out << c.name; }

class ModelClass : public test::ProjectTest, public testing::WithParamInterface<ClassCase> {};

INSTANTIATE_TEST_SUITE_P(Torch, ModelClass,
                         testing::Values(ClassCase{"dropout_bn", 1e-12, "cannot decompress AE_Dropout_BN"},
                                         ClassCase{"conv", 1e-6, "as large as the last one"},
                                         ClassCase{"conv_gdn", 1e-6, "as large as the last one"},
                                         ClassCase{"conv_wide", 1e-6, "as large as the last one"},
                                         ClassCase{"pj", 1e-6, ""}, ClassCase{"pj_separate", 1e-6, "are noise"},
                                         ClassCase{"blocks", 1e-6, "put blocks together"}),
                         [](const auto& c) { return c.param.name; });

TEST_P(ModelClass, ComputesWhatTorchDoes) {
  const std::string folder = golden_baler("classes/" + GetParam().name);
  ProjectModel model = import(folder);
  EXPECT_TRUE(GetParam().note.empty() || noted(GetParam().note));
  const std::string input = folder + "/data.npz", expected = folder + "/expected.npz";
  const ProjectOptions options;
  static_cast<void>(compress_project(model, input, path("c.npz"), options));
  const auto latents = values(expected, "latents"), outputs = values(expected, "output");
  const auto scale = [](const std::vector<double>& v) {
    return std::fabs(
        *std::max_element(v.begin(), v.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); }));
  };
  EXPECT_LE(largest_difference(values(path("c.npz")), latents), GetParam().tolerance * std::max(1.0, scale(latents)));
  static_cast<void>(decompress_project(model, path("c.npz"), path("d.npz"), options));
  auto y = values(path("d.npz"));
  for (std::size_t i = 0; i < y.size() && !model.range.empty(); ++i) {
    const std::size_t f = i % model.features();
    y[i] = (y[i] - model.minimum[f]) / model.range[f];
  }
  EXPECT_LE(largest_difference(y, outputs), 2 * GetParam().tolerance * std::max(1.0, scale(outputs)));
}

TEST_P(ModelClass, KeepsABoundAndTheInputsShape) {
  const std::string folder = golden_baler("classes/" + GetParam().name);
  const ProjectModel model = import(folder);
  ProjectOptions options;
  options.error_bound_percent = 5.0;
  static_cast<void>(compress_project(model, folder + "/data.npz", path("c.npz"), options));
  static_cast<void>(decompress_project(model, path("c.npz"), path("d.npz"), options));
  const auto x = values(folder + "/data.npz"), y = values(path("d.npz"));
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_LE(std::fabs(y[i] - x[i]), 0.05 * std::fabs(x[i]) * (1 + 1e-12));
  auto shape = NpzArrays(folder + "/data.npz").array("data").shape;
  if (model.convolutional) shape.insert(shape.begin() + 1, 1);  // as Baler: one channel
  EXPECT_EQ(NpzArrays(path("d.npz")).array("data").shape, shape);
}

/// Normalised rows of `jets`, and the model.
class Evaluators : public test::ProjectTest {
 protected:
  std::vector<double> encode(const Evaluator& evaluator) const {
    std::vector<double> y(rows_ * 15);
    evaluator.run({x_.data(), rows_, 24}, {y.data(), rows_, 15});
    return y;
  }
  void SetUp() override {
    ProjectTest::SetUp();
    model_ = import(workspace("jets"));
    x_ = values(workspace("data/jets.npz"));
    x_.resize(rows_ * 24);
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = (x_[i] - model_.minimum[i % 24]) / model_.range[i % 24];
  }
  static constexpr std::size_t rows_ = 70;  // whole blocks and a rest
  ProjectModel model_;
  std::vector<double> x_;
};

TEST_F(Evaluators, AllAgreeWithTheDefinition) {
  const auto reference = encode(*make_reference_evaluator(model_.encoder, Arithmetic::Float64));
  EXPECT_LE(largest_difference(encode(*make_evaluator(model_.encoder, Arithmetic::Float64)), reference), 1e-13);
  EXPECT_LE(largest_difference(encode(*make_evaluator(model_.encoder, Arithmetic::Float32)), reference), 1e-5);
  const ConstRows calibration(x_.data(), rows_, 24);
  EXPECT_LE(largest_difference(encode(*make_evaluator(model_.encoder, Arithmetic::BFloat16)), reference), 0.1);
  EXPECT_LE(largest_difference(encode(*make_evaluator(model_.encoder, Arithmetic::Int8, &calibration)), reference),
            0.5);
}

TEST_F(Evaluators, CorrectionsAreMadeForTheSameBitsEverywhere) {
  const auto z = encode(*make_evaluator(model_.encoder, Arithmetic::Float64));
  EXPECT_EQ(xxh3(std::as_bytes(std::span(z))), 4949480714457612511U);
}

TEST_F(Evaluators, BatchNormGoesIntoItsNeighbours) {
  const ProjectModel bn = import(golden_baler("classes/dropout_bn"));
  std::vector<double> z(5 * 33), a(9 * 33), b(a.size());
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = std::sin(static_cast<double>(i));
  make_evaluator(bn.decoder, Arithmetic::Float64)->run({z.data(), 33, 5}, {a.data(), 33, 9});
  make_reference_evaluator(bn.decoder, Arithmetic::Float64)->run({z.data(), 33, 5}, {b.data(), 33, 9});
  EXPECT_LE(largest_difference(a, b), 1e-13);
}

TEST(TypeList, CastsAsNumpyDoesAndAsIsMeant) {
  const auto cast = [](const char* name, double v) { return cast_as_numpy(*column_cast(name), v); };
  // Values from numpy 1.24 on x86-64.
  EXPECT_EQ(cast("int", -5.7), -5.0);
  EXPECT_EQ(cast("int", std::nan("")), -9223372036854775808.0);
  EXPECT_EQ(cast("int8", 300.0), 44.0);
  EXPECT_EQ(cast("int8", -200.7), 56.0);
  EXPECT_EQ(cast("uint16", -5.7), 65531.0);
  EXPECT_EQ(cast("uint16", 70000.0), 4464.0);
  EXPECT_EQ(cast("float16", 1e6), HUGE_VAL);
  const auto meant = [](const char* name, double v) { return cast_nearest(*column_cast(name), v); };
  EXPECT_EQ(meant("int", 2.7), 3.0);
  EXPECT_EQ(meant("uint8", -0.6), 0.0);
  EXPECT_EQ(meant("uint8", 300.0), 255.0);
  EXPECT_FALSE(column_cast("object"));
}

}  // namespace
}  // namespace haywatt::baler
