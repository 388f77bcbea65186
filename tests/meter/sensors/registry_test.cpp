#include <cmath>

#include "haywatt/meter/sensor_survey.hpp"
#include "meter/sensors/channel_subset.hpp"
#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

/// Channels and readings as a test sets them.
class ScriptedSensor final : public EnergySensor {
 public:
  ScriptedSensor(std::string name, std::vector<SensorChannel> channels, std::vector<bool> readable)
      : name_(std::move(name)), channels_(std::move(channels)), readable_(std::move(readable)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }
  void read(std::span<double> joules) noexcept override {
    ++reads;
    for (std::size_t i = 0; i < joules.size(); ++i) joules[i] = values.empty() ? 0.0 : values[i](reads);
  }
  [[nodiscard]] std::string fault(std::size_t channel) const override { return readable_[channel] ? "" : "shut"; }
  [[nodiscard]] bool readable(std::size_t channel) const override { return readable_[channel]; }
  std::vector<std::function<double(int)>> values;
  int reads = 0;

 private:
  std::string name_;
  std::vector<SensorChannel> channels_;
  std::vector<bool> readable_;
};

SensorChannel channel_of(const std::string& boundary, const std::string& counter = "") {
  SensorChannel c;
  c.boundary = boundary;
  c.counter = counter;
  return c;
}

EnergySensors two_ways(std::vector<bool> perf, std::vector<bool> powercap) {
  EnergySensors s;
  s.push_back(std::make_unique<ScriptedSensor>(
      "perf-energy", std::vector{channel_of("package", "rapl"), channel_of("dram", "rapl")}, std::move(perf)));
  s.push_back(std::make_unique<ScriptedSensor>(
      "rapl-powercap",
      std::vector{channel_of("package", "rapl"), channel_of("dram", "rapl"), channel_of("psys", "rapl")},
      std::move(powercap)));
  return s;
}

TEST(Registry, OneWayToACounterIsKeptTheReadableOneFirst) {
  struct Case {
    std::vector<bool> perf, powercap;
    std::vector<std::pair<std::size_t, std::size_t>> left_out;
  };
  for (const Case& c : {Case{{true, true}, {true, true, true}, {{1, 1}, {1, 0}}},
                        Case{{false, false}, {true, true, true}, {{0, 1}, {0, 0}}},
                        Case{{false, true}, {true, true, true}, {{1, 1}, {0, 0}}},
                        Case{{false, false}, {false, false, false}, {{1, 1}, {1, 0}}}}) {
    const EnergySensors sensors = two_ways(c.perf, c.powercap);
    std::vector<std::pair<std::size_t, std::size_t>> left_out;
    for (const Duplicate& d : duplicates(sensors)) {
      left_out.emplace_back(d.sensor, d.channel);
      EXPECT_EQ(d.instead, sensors[1 - d.sensor]->name());
    }
    EXPECT_EQ(left_out, c.left_out);
  }
}

TEST(Registry, ChannelsWithoutACounterNameAreNeverTheSame) {
  EnergySensors s;
  s.push_back(std::make_unique<ScriptedSensor>("hwmon", std::vector{channel_of("node")}, std::vector{true}));
  s.push_back(std::make_unique<ScriptedSensor>("dcmi", std::vector{channel_of("node")}, std::vector{true}));
  EXPECT_TRUE(duplicates(s).empty());
}

TEST(Registry, ASubsetForwardsToTheRightChannels) {
  auto whole = std::make_unique<ScriptedSensor>(
      "x", std::vector{channel_of("package"), channel_of("dram"), channel_of("psys")}, std::vector{true, true, false});
  whole->values = {[](int) { return 1.0; }, [](int) { return 2.0; }, [](int) { return 3.0; }};
  const auto part = subset_of(std::move(whole), {2, 0});
  ASSERT_EQ(part->channels().size(), 2U);
  EXPECT_EQ(part->channels()[0].boundary, "psys");
  std::vector<double> joules(2);
  part->read(joules);
  EXPECT_EQ(joules, std::vector<double>({3.0, 1.0}));
  EXPECT_EQ(part->fault(0), "shut");
  EXPECT_EQ(part->fault(1), "");
  EXPECT_FALSE(part->readable(0));
  EXPECT_TRUE(part->readable(1));
}

TEST(Survey, SeesStepsOfCountersAndNotOurOwnOfPower) {
  SensorChannel power = channel_of("node");
  power.integrated_power = power.carried_on = true;
  ScriptedSensor sensor("x", {channel_of("package"), power, channel_of("dram"), channel_of("psys")},
                        {true, true, true, true});
  sensor.values = {[](int reads) { return 0.25 * (reads / 10); }, [](int reads) { return 0.001 * reads; },
                   [](int) { return 0.0; }, [](int) { return std::nan(""); }};
  const auto probes = probe_channels(sensor, 0.02);
  ASSERT_GT(sensor.reads, 30);
  EXPECT_DOUBLE_EQ(probes[0].step_J.value(), 0.25);
  EXPECT_NEAR(static_cast<double>(probes[0].steps), sensor.reads / 10, 1.0);
  EXPECT_GT(probes[0].period_s.value(), 0.0);
  EXPECT_NEAR(probes[0].power_W.value() * probes[0].seconds, 0.25 * (sensor.reads / 10), 0.26);
  EXPECT_EQ(probes[1].steps, 0U);
  EXPECT_TRUE(probes[1].power_W.has_value());
  EXPECT_FALSE(probes[2].power_W.has_value()) << "a counter that stands still shows no power";
  EXPECT_FALSE(probes[3].power_W.has_value());
}

}  // namespace
}  // namespace haywatt::meter
