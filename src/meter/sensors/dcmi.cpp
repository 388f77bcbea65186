#include "meter/sensors/dcmi.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

// DCMI 1.5 §6.6.1; the same numbers in FreeIPMI's tmpl_cmd_dcmi_get_power_reading_{rq,rs}.
constexpr std::uint8_t group_extension = 0x2C, get_power_reading = 0x02, dcmi_group = 0xDC;
constexpr std::uint8_t system_power_statistics = 0x01;
constexpr std::uint8_t measurement_active = 0x40;
constexpr std::size_t answer_bytes = 19;
// IPMI 2.0 §5.2: no such command; not for this channel or user.
constexpr std::uint8_t invalid_command = 0xC1, no_privilege = 0xD4;

/// A BMC renews its reading about once a second (declared; typical and not documented), in whole watts.
constexpr double update_period_s = 1.0, step_W = 1.0;
/// Declared guess: no figure was found that holds for all makers.
constexpr double gain = 0.05;
/// So many answers may be missing one after another.
constexpr int most_missed = 3;

struct Answer {
  double watts = 0.0;
  std::string problem;      ///< empty: watts are good
  bool no_answer = false;   ///< try again later
  bool no_command = false;  ///< this BMC has no DCMI
};

Answer ask(IpmiInterface& ipmi) {
  constexpr std::array<std::uint8_t, 4> question = {dcmi_group, system_power_statistics, 0, 0};
  std::array<std::uint8_t, 32> data{};
  std::size_t length = 0;
  Answer a;
  if (const int error = ipmi.ask(group_extension, get_power_reading, question, data, length); error != 0) {
    a.no_answer = error == ETIMEDOUT || error == EINTR || error == EAGAIN;
    a.problem = a.no_answer ? "the BMC does not answer" : "the BMC cannot be asked: " + error_text(error);
    return a;
  }
  const std::uint8_t completion = length > 0 ? data[0] : 0xFF;
  a.no_command = completion == invalid_command;
  if (completion == no_privilege)
    a.problem = "the BMC refuses the power reading for lack of privilege";
  else if (completion != 0)
    a.problem = fmt::format("the BMC answers the power reading with completion code 0x{:02X}", completion);
  else if (length < answer_bytes || data[1] != dcmi_group)
    a.problem = "the BMC's answer is not a DCMI power reading";
  else if ((data[18] & measurement_active) == 0)
    a.problem = "the BMC's power measurement is switched off";
  if (a.problem.empty()) a.watts = data[2] + 256.0 * data[3];
  return a;
}

class Dcmi final : public EnergySensor {
 public:
  Dcmi(std::unique_ptr<IpmiInterface> ipmi, int error, SensorClock clock)
      : ipmi_(std::move(ipmi)), clock_(std::move(clock)) {
    SensorChannel& c = channels_.emplace_back();
    c.boundary = "node";
    c.gain_u_rel = gain;
    c.update_period_s = update_period_s;
    c.resolution_J = step_W * update_period_s;
    c.integrated_power = c.carried_on = true;
    c.source = "IPMI DCMI Get Power Reading (/dev/ipmi0)";
    if (ipmi_) return;
    no_permission_ = error == EACCES || error == EPERM;
    fault_ = no_permission_ ? "no permission to open /dev/ipmi0" : "cannot open /dev/ipmi0: " + error_text(error);
  }
  [[nodiscard]] std::string name() const override { return "dcmi"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }
  void read(std::span<double> joules) noexcept override {
    const double at_s = clock_();
    if (fault_.empty() && at_s >= next_s_) sample(at_s);
    joules[0] = fault_.empty() && power_.seen() ? power_.joules(at_s) : std::numeric_limits<double>::quiet_NaN();
  }
  [[nodiscard]] bool readable(std::size_t /*channel*/) const override { return ipmi_ != nullptr; }
  [[nodiscard]] std::string fault(std::size_t /*channel*/) const override {
    if (!fault_.empty()) return fault_;
    return power_.seen() ? std::string{} : "the BMC shows 0 W";
  }
  [[nodiscard]] std::vector<std::string> remedies() const override {
    if (!no_permission_) return {};
    return {"# Who may open /dev/ipmi0 may also switch the machine off. Rather run: sudo haywatt ...",
            "echo 'KERNEL==\"ipmi0\", GROUP=\"energy\", MODE=\"0660\"' > /etc/udev/rules.d/60-energy.rules",
            "udevadm control --reload && udevadm trigger --name-match=ipmi0"};
  }
  /// For opening: whether the BMC knows the command at all.
  [[nodiscard]] bool known_command() {
    if (!ipmi_) return true;
    const Answer a = ask(*ipmi_);
    if (!a.problem.empty() && !a.no_answer) fault_ = a.problem;
    return !a.no_command;
  }

 private:
  /// Once a second, whoever asks in between gets the last power carried on.
  void sample(double at_s) {
    next_s_ = at_s + update_period_s;
    const Answer a = ask(*ipmi_);
    if (a.problem.empty()) {
      missed_ = 0;
      power_.add(at_s, a.watts);
    } else if (!a.no_answer || ++missed_ >= most_missed) {
      fault_ = a.problem;
    }
  }

  std::unique_ptr<IpmiInterface> ipmi_;
  SensorClock clock_;
  std::vector<SensorChannel> channels_;
  PowerIntegral power_;
  double next_s_ = 0.0;
  int missed_ = 0;
  bool no_permission_ = false;
  std::string fault_;
};

}  // namespace

std::unique_ptr<EnergySensor> open_dcmi(std::unique_ptr<IpmiInterface> ipmi, int error, SensorClock clock) {
  auto sensor = std::make_unique<Dcmi>(std::move(ipmi), error, std::move(clock));
  if (!sensor->known_command()) return nullptr;
  return sensor;
}

std::unique_ptr<EnergySensor> open_dcmi(const std::string& sysroot, const Machine& /*machine*/) {
  // The names that systems give the device: udev's, the older devfs's.
  for (const char* name : {"/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0"}) {
    int error = 0;
    auto ipmi = open_ipmi_device(sysroot + name, error);
    if (ipmi || (error != ENOENT && error != ENOTDIR)) return open_dcmi(std::move(ipmi), error);
  }
  return nullptr;
}

}  // namespace haywatt::meter
