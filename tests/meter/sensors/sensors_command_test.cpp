/// `haywatt sensors` as a user runs it, on recorded trees.
#include <array>
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "haywatt_test_paths.hpp"
#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::SensorTree;

std::string output_of(const std::string& root, const std::string& options) {
  const std::string command = "HAYWATT_SYSROOT='" + root + "' '" HAYWATT_BINARY "' sensors " + options;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0) << "exit code of " << options;
  return text;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string zone = "sys/class/powercap/intel-rapl:0/";

std::string count(std::uint64_t uJ) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%020llu\n", static_cast<unsigned long long>(uJ));
  return text.data();
}

void package(const SensorTree& tree) {
  tree.write(zone + "name", "package-0\n");
  tree.write(zone + "max_energy_range_uj", "262143328850\n");
  tree.write(zone + "energy_uj", count(1000));
}

TEST(SensorsCommand, WithoutAnyItNamesTheEstimateAndSucceeds) {
  const SensorTree tree;
  const auto json = nlohmann::json::parse(output_of(tree.root(), "--json"));
  EXPECT_EQ(json["schema"], "haywatt-sensors/1");
  EXPECT_TRUE(json["sensors"].empty());
  EXPECT_TRUE(json["estimate_is_used"].get<bool>());
  EXPECT_FALSE(json["estimate"]["tier"].get<std::string>().empty());
  EXPECT_GT(json["estimate"]["full_W"].get<double>(), json["estimate"]["idle_W"].get<double>());
  EXPECT_GT(json["estimate"]["full_factor"].get<double>(), 1.0);
  const std::string text = output_of(tree.root(), "");
  EXPECT_TRUE(contains(text, "No energy sensor can be read here.")) << text;
  EXPECT_TRUE(contains(text, "tier " + json["estimate"]["tier"].get<std::string>())) << text;
}

TEST(SensorsCommand, SaysWhatNarrowsTheEstimateUntilItIsCalibrated) {
  const SensorTree tree;
  const std::string file = tree.at("calibration.json");
  ASSERT_EQ(setenv("HAYWATT_CALIBRATION", file.c_str(), 1), 0);
  EXPECT_TRUE(contains(output_of(tree.root(), ""), "haywatt calibrate"));
  const std::string typed =
      "'" HAYWATT_BINARY "' calibrate --idle-watts 41 --full-watts 128 --whole-host -q >/dev/null";
  ASSERT_EQ(std::system(typed.c_str()), 0);
  const auto json = nlohmann::json::parse(output_of(tree.root(), "--json"));
  const std::string text = output_of(tree.root(), "");
  unsetenv("HAYWATT_CALIBRATION");
  EXPECT_EQ(json["estimate"]["tier"], "calibrated");
  EXPECT_NEAR(json["estimate"]["idle_W"].get<double>(), 41.0, 1e-9);
  EXPECT_NEAR(json["estimate"]["full_W"].get<double>(), 128.0, 1e-9);
  EXPECT_GT(json["estimate"]["full_factor"].get<double>(), 1.0);
  EXPECT_FALSE(contains(text, "What narrows it")) << text;
}

TEST(SensorsCommand, ACounterThatMovesIsMeasured) {
  const SensorTree tree;
  package(tree);
  std::atomic<bool> stop{false};
  std::thread moving([&] {
    for (std::uint64_t uJ = 1000; !stop; uJ += 50'000) {
      tree.write(zone + "energy_uj", count(uJ));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  const auto json = nlohmann::json::parse(output_of(tree.root(), "--json"));
  stop = true;
  moving.join();
  const auto& channel = json["sensors"][0]["channels"][0];
  EXPECT_EQ(json["sensors"][0]["sensor"], "rapl-powercap");
  EXPECT_EQ(channel["boundary"], "package");
  EXPECT_EQ(channel["fault"], "");
  EXPECT_TRUE(channel["used"].get<bool>());
  EXPECT_FALSE(json["estimate_is_used"].get<bool>());
  EXPECT_NEAR(channel["measured"]["step_J"].get<double>(), 0.05, 1e-9);
  EXPECT_GT(channel["measured"]["steps"].get<int>(), 1);
  EXPECT_GT(channel["measured"]["period_s"].get<double>(), 0.0);
  EXPECT_GT(channel["power_W"].get<double>(), 0.0);
}

TEST(SensorsCommand, ACounterThatStandsStillIsUnknownAndShowsNoPower) {
  const SensorTree tree;
  package(tree);
  const auto json = nlohmann::json::parse(output_of(tree.root(), "--json"));
  const auto& channel = json["sensors"][0]["channels"][0];
  EXPECT_EQ(channel["fault"], "package-0: the counter did not move");
  EXPECT_FALSE(channel["used"].get<bool>());
  EXPECT_TRUE(channel["power_W"].is_null());
  EXPECT_TRUE(channel["measured"]["step_J"].is_null());
  EXPECT_TRUE(json["estimate_is_used"].get<bool>());
  const std::string text = output_of(tree.root(), "");
  EXPECT_TRUE(contains(text, "unknown   package-0: the counter did not move")) << text;
  EXPECT_FALSE(contains(text, "0.0 W")) << text;
}

TEST(SensorsCommand, SaysHowAnUnreadableOneBecomesReadable) {
  const SensorTree tree;
  package(tree);
  std::filesystem::remove(tree.at(zone + "energy_uj"));
  tree.write("sys/firmware/dmi/entries/38-0/type", "38\n");
  const std::string text = output_of(tree.root(), "");
  EXPECT_TRUE(contains(text, "To make it readable, as root:")) << text;
  EXPECT_TRUE(contains(text, "z /sys/class/powercap/intel-rapl:*/energy_uj 0440 root energy")) << text;
  EXPECT_TRUE(contains(text, "modprobe -a ipmi_si ipmi_devintf")) << text;
}

}  // namespace
}  // namespace haywatt::meter
