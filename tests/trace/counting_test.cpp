/// Counts under each convention against the numbers that the tools themselves gave (tools/count-peers).
#include "haywatt/trace/counting.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "haywatt_test_paths.hpp"

namespace haywatt::trace {
namespace {

using Kind = CountedLayer::Kind;
using nlohmann::json;

std::uint64_t product(const json& sizes, std::size_t from = 0) {
  std::uint64_t all = 1;
  for (std::size_t i = from; i < sizes.size(); ++i) all *= sizes[i].get<std::uint64_t>();
  return all;
}

CountedLayer layer_of(const json& j) {
  static const std::map<std::string, Kind> kinds = {{"linear", Kind::Linear},
                                                    {"conv", Kind::Conv},
                                                    {"conv_transpose", Kind::ConvTranspose},
                                                    {"relu", Kind::Relu},
                                                    {"leaky_relu", Kind::LeakyRelu},
                                                    {"batch_norm", Kind::BatchNorm},
                                                    {"dropout", Kind::Dropout},
                                                    {"gdn", Kind::Gdn},
                                                    {"inverse_gdn", Kind::InverseGdn}};
  CountedLayer l;
  l.kind = kinds.at(j.at("kind").get<std::string>());
  l.in_channels = j.at("in")[0];
  l.in_positions = product(j.at("in"), 1);
  l.out_channels = j.at("out")[0];
  l.out_positions = product(j.at("out"), 1);
  l.dimensions = j.at("in").size() - 1;
  if (j.contains("kernel")) l.kernel = product(j.at("kernel"));
  l.functional = j.value("functional", false);
  return l;
}

class CountingGolden : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/counting/counts.json");
    golden_ = json::parse(file);
    ASSERT_EQ(golden_.at("models").size(), 8u);
  }
  static std::vector<CountedLayer> layers(const json& model) {
    std::vector<CountedLayer> all;
    for (const json& l : model.at("layers")) all.push_back(layer_of(l));
    return all;
  }
  json golden_;
};

TEST_F(CountingGolden, EveryToolsForwardCountToTheUnit) {
  int compared = 0;
  for (const json& model : golden_.at("models")) {
    for (const auto& [passes, rows] :
         {std::pair("forward_one", 1), std::pair("forward_rows", model.at("rows").get<int>())}) {
      for (const auto& [name, value] : model.at(passes).items()) {
        const auto convention = convention_of(name);
        ASSERT_TRUE(convention) << name;
        EXPECT_EQ(count_forward(layers(model), rows, *convention).total, value.get<std::uint64_t>())
            << model.at("class") << " " << name << " " << rows;
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 8 * 9);
}

TEST_F(CountingGolden, PyTorchsTrainingCountToTheUnit) {
  for (const json& model : golden_.at("models"))
    EXPECT_EQ(count_training(layers(model), model.at("rows"), Convention::PyTorch).total,
              model.at("training_rows").at("pytorch").get<std::uint64_t>())
        << model.at("class");
}

TEST_F(CountingGolden, Parameters) {
  for (const json& model : golden_.at("models")) {
    EXPECT_EQ(count_forward(layers(model), 1, Convention::Haywatt).parameters,
              model.at("parameters").get<std::uint64_t>());
    EXPECT_EQ(count_forward(layers(model), 1, Convention::DeepliteProfiler).parameters,
              model.at("deeplite_parameters").get<std::uint64_t>());
  }
}

TEST_F(CountingGolden, OursIsThatOfTheDocumentation) {
  const std::map<std::string, std::uint64_t> expected = {{"AE", 123639},
                                                         {"AE_Dropout_BN", 124426},
                                                         {"FPGA_prototype_model", 3479},
                                                         {"Conv_AE_GDN", 1351511},
                                                         {"PJ_Conv_AE", 10241743}};
  std::size_t compared = 0;
  for (const json& model : golden_.at("models")) {
    const auto known = expected.find(model.at("class").get<std::string>());
    if (known == expected.end()) continue;
    EXPECT_EQ(count_forward(layers(model), 1, Convention::Haywatt).total, known->second) << known->first;
    ++compared;
  }
  EXPECT_EQ(compared, expected.size());
}

TEST(Counting, OursIsTheSumOfItsRules) {
  const CountedLayer linear = {.kind = Kind::Linear, .in_channels = 24, .out_channels = 200};
  EXPECT_EQ(count_layer(linear, 10, Convention::Haywatt).total, 10u * (2 * 24 * 200 + 200));
  EXPECT_EQ(count_layer(linear, 10, Convention::Haywatt).macs, 10u * 24 * 200);
  const CountedLayer relu = {.kind = Kind::Relu, .in_channels = 200, .out_channels = 200};
  EXPECT_EQ(count_layer(relu, 10, Convention::Haywatt).total, 2000u);
  // 3 times the products but for the first layer's input; the bias and the activation there and back.
  EXPECT_EQ(count_training({linear, relu}, 10, Convention::Haywatt).total,
            10u * (2 * 2 * 24 * 200 + 2 * 200 + 2 * 200));
}

TEST(Counting, NamesAreTheirConventions) {
  for (const char* name :
       {"haywatt", "pytorch", "pytorch-profiler", "ptflops", "ptflops-aten", "fvcore", "deeplite-profiler"})
    EXPECT_EQ(convention_name(convention_of(name).value()), name);
  EXPECT_FALSE(convention_of("thop"));
}

TEST(Counting, ImportedProjectsCountAsTheirClass) {
  struct Expected {
    const char* project;
    std::uint64_t macs, parameters, pytorch, ptflops;
  };
  // AE 24-15 and FPGA_prototype_model 24-15: the golden file has both classes in these sizes.
  for (const Expected& e : {Expected{"jets", 61100, 61839, 122200, 61839}, Expected{"fpga", 1660, 1759, 3320, 1879}}) {
    std::vector<std::string> notes;
    const baler::ProjectModel model = baler::import_project(
        std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/baler/workspaces/golden/" + e.project, {}, notes);
    EXPECT_EQ(count_model(model, 1, Convention::Haywatt).macs, e.macs);
    EXPECT_EQ(count_model(model, 1, Convention::Haywatt).parameters, e.parameters);
    EXPECT_EQ(count_model(model, 1, Convention::PyTorch).total, e.pytorch);
    EXPECT_EQ(count_model(model, 1, Convention::Ptflops).total, e.ptflops);
    EXPECT_EQ(count_model(model, 7, Convention::Haywatt).macs,
              7 * (model.macs_encode_per_row() + model.macs_decode_per_row()));
  }
}

}  // namespace
}  // namespace haywatt::trace
