#include "meter/sensors/dcmi.hpp"

#include <cerrno>
#include <cmath>

#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::FakeClock;
using test::fault;
using test::joules;
using test::SensorTree;

/// What a BMC answers, byte for byte, beginning with the completion code.
using Bytes = std::vector<std::uint8_t>;

/// 218 W now, 4 W least, 365 W most, 217 W mean, a time, a period of 1000 ms, measurement active: laid out after DCMI
/// 1.5 table 6-16.
Bytes reading(std::uint16_t watts) {
  return {0x00,
          0xDC,
          static_cast<std::uint8_t>(watts & 0xFF),
          static_cast<std::uint8_t>(watts >> 8),
          0x04,
          0x00,
          0x6D,
          0x01,
          0xD9,
          0x00,
          0x2C,
          0xB3,
          0x5F,
          0x5E,
          0xE8,
          0x03,
          0x00,
          0x00,
          0x40};
}

struct Script {
  Bytes answer;
  int error = 0, asked = 0;
  Bytes question{};
  int net_function = 0, command = 0;
};

class FakeIpmi final : public IpmiInterface {
 public:
  explicit FakeIpmi(Script& script) : script_(script) {}
  int ask(std::uint8_t net_function, std::uint8_t command, std::span<const std::uint8_t> question,
          std::span<std::uint8_t> answer, std::size_t& length) noexcept override {
    ++script_.asked;
    script_.net_function = net_function;
    script_.command = command;
    script_.question.assign(question.begin(), question.end());
    if (script_.error != 0) return script_.error;
    length = std::min(answer.size(), script_.answer.size());
    std::copy_n(script_.answer.begin(), length, answer.begin());
    return 0;
  }

 private:
  Script& script_;
};

std::unique_ptr<EnergySensor> open(Script& script, const FakeClock& clock) {
  return open_dcmi(std::make_unique<FakeIpmi>(script), 0, clock);
}

TEST(Dcmi, AsksAsTheStandardSaysAndAddsUpOnceASecond) {
  Script bmc{reading(218)};
  const FakeClock clock;
  const auto sensor = open(bmc, clock);
  ASSERT_NE(sensor, nullptr);
  EXPECT_EQ(bmc.net_function, 0x2C);
  EXPECT_EQ(bmc.command, 0x02);
  EXPECT_EQ(bmc.question, Bytes({0xDC, 0x01, 0x00, 0x00}));
  EXPECT_EQ(sensor->channels()[0].boundary, "node");
  EXPECT_EQ(joules(*sensor, "node"), 0.0);
  const int asked = bmc.asked;
  for (int i = 0; i < 9; ++i) {
    clock.wait(0.1);
    (void)joules(*sensor, "node");
  }
  EXPECT_EQ(bmc.asked, asked) << "phase borders do not ask";
  EXPECT_NEAR(joules(*sensor, "node"), 0.9 * 218.0, 1e-9);
  bmc.answer = reading(600);
  clock.wait(0.1);
  EXPECT_NEAR(joules(*sensor, "node"), 409.0, 1e-6);
  EXPECT_EQ(bmc.asked, asked + 1);
  EXPECT_EQ(fault(*sensor, "node"), "");
}

TEST(Dcmi, ABmcWithoutDcmiIsNoSensor) {
  Script bmc{{0xC1}};
  EXPECT_EQ(open(bmc, FakeClock{}), nullptr);
}

TEST(Dcmi, AnswersThatAreNoPowerAreUnknown) {
  Bytes off = reading(218), foreign = reading(218), truncated = reading(218);
  off.back() = 0x00;
  foreign[1] = 0x00;
  truncated.pop_back();
  struct Case {
    Bytes answer;
    const char* told;
  };
  for (const Case& c :
       {Case{off, "switched off"}, Case{foreign, "not a DCMI"}, Case{truncated, "not a DCMI"}, Case{{}, "0xFF"},
        Case{{0xD4}, "privilege"}, Case{{0xC3}, "0xC3"}, Case{reading(0), "0 W"}, Case{{0x00}, "not a DCMI"}}) {
    Script bmc{c.answer};
    const auto sensor = open(bmc, FakeClock{});
    ASSERT_NE(sensor, nullptr) << c.told;
    EXPECT_TRUE(std::isnan(joules(*sensor, "node"))) << c.told;
    EXPECT_NE(fault(*sensor, "node").find(c.told), std::string::npos) << fault(*sensor, "node");
  }
}

TEST(Dcmi, AMissedAnswerIsForgivenThreeAreNot) {
  Script bmc{reading(100)};
  const FakeClock clock;
  const auto sensor = open(bmc, clock);
  (void)joules(*sensor, "node");
  bmc.error = ETIMEDOUT;
  for (int i = 0; i < 2; ++i) {
    clock.wait(1.0);
    (void)joules(*sensor, "node");
  }
  bmc.error = 0;
  clock.wait(1.0);
  EXPECT_NEAR(joules(*sensor, "node"), 300.0, 1e-9);
  bmc.error = ETIMEDOUT;
  for (int i = 0; i < 3; ++i) {
    clock.wait(1.0);
    (void)joules(*sensor, "node");
  }
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_EQ(fault(*sensor, "node"), "the BMC does not answer");
}

TEST(Dcmi, WithoutPermissionItSaysWhatToDo) {
  const auto sensor = open_dcmi(nullptr, EACCES, FakeClock{});
  ASSERT_NE(sensor, nullptr);
  EXPECT_FALSE(sensor->readable(0));
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_NE(fault(*sensor, "node").find("no permission"), std::string::npos);
  EXPECT_FALSE(sensor->remedies().empty());
}

/// The real device: a file that is none answers no ioctl.
TEST(Dcmi, AFileInPlaceOfTheDeviceIsUnknown) {
  const SensorTree tree;
  EXPECT_EQ(open_dcmi(tree.root(), Machine{}), nullptr);
  tree.write("dev/ipmi0", "x");
  const auto sensor = open_dcmi(tree.root(), Machine{});
  ASSERT_NE(sensor, nullptr);
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_NE(fault(*sensor, "node").find("cannot be asked"), std::string::npos) << fault(*sensor, "node");
}

}  // namespace
}  // namespace haywatt::meter
