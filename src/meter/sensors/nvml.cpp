#include "meter/sensors/nvml.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "meter/sensors/nvml_board.hpp"

namespace haywatt::meter {
namespace {

/// ±5 % of a board, constant per board, taken as 95 % (Yang, Adámek, Armour, SC24).
constexpr double gain = 0.025;
/// The counter moves every 10 to 100 ms.
constexpr double counter_period_s = 0.1, counter_step_J = 1e-3;
/// Inode of the first process namespace: PROC_PID_INIT_INO in Linux include/linux/proc_ns.h.
constexpr ino_t first_pid_namespace = 0xEFFFFFFC;

class Nvml final : public EnergySensor {
 public:
  Nvml(std::vector<NvmlBoard> boards, NvmlOptions options) : boards_(std::move(boards)), options_(std::move(options)) {
    SensorChannel& c = channels_.emplace_back();
    c.boundary = "board";
    c.gain_u_rel = gain;
    c.carried_on = true;
    std::map<std::string, int> sources, names;
    for (const NvmlBoard& b : boards_) {
      ++names[b.name()];
      if (!b.readable()) continue;
      ++sources[b.source()];
      const NvmlWindow w = b.window();
      c.update_period_s = std::max(c.update_period_s, b.counts_energy() ? counter_period_s : w.period_s);
      // Whether the counter sees more of the time than the power does is not documented: taken as not.
      if (w.share() < c.window_share) {
        c.window_share = w.share();
        c.window_s = w.window_s;
      }
      c.limit_W += b.limit_W();
      c.integrated_power = c.integrated_power || !b.counts_energy();
      c.resolution_J = std::max(c.resolution_J, b.counts_energy() ? counter_step_J : 1e-3 * w.period_s);
    }
    for (const NvmlBoard& b : boards_)
      if (b.limit_W() == 0.0) c.limit_W = 0.0;
    for (const auto& [name, count] : names)
      c.source += fmt::format("{}{} x {}", c.source.empty() ? "" : ", ", count, name);
    for (const auto& [source, count] : sources) c.source += (c.source.empty() ? "" : "; ") + source;
    told_J_.resize(boards_.size());
    shared_J_.resize(boards_.size());
  }
  [[nodiscard]] std::string name() const override { return "nvml"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }

  void read(std::span<double> joules) noexcept override {
    const double at_s = options_.clock();
    joules[0] = 0.0;
    for (std::size_t i = 0; i < boards_.size(); ++i) joules[0] += told_J_[i] = boards_[i].read(at_s);
  }
  [[nodiscard]] bool readable(std::size_t /*channel*/) const override {
    return std::all_of(boards_.begin(), boards_.end(), [](const NvmlBoard& b) { return b.readable(); });
  }
  [[nodiscard]] std::string fault(std::size_t /*channel*/) const override {
    for (const NvmlBoard& b : boards_)
      if (std::string f = b.fault(); !f.empty()) return f;
    return {};
  }
  [[nodiscard]] std::vector<std::string> remedies() const override {
    for (const NvmlBoard& b : boards_)
      if (b.error() == nvml_no_permission || b.error() == nvml_operating_system)
        return {"chmod a+rw /dev/nvidia*   # or give the container or job all GPUs, as docker run --gpus all does"};
    return {};
  }
  /// By what each board drew since the last call.
  [[nodiscard]] std::optional<double> share_of(std::size_t /*channel*/,
                                               std::span<const pid_t> processes) noexcept override {
    if (!options_.host_pids) return std::nullopt;
    double all_J = 0.0, ours_J = 0.0;
    bool known = true;
    try {
      for (std::size_t i = 0; i < boards_.size(); ++i) {
        const auto share = boards_[i].share_of(processes);
        const double drawn_J = told_J_[i] - std::exchange(shared_J_[i], told_J_[i]);
        known = known && share && drawn_J >= 0.0;
        all_J += drawn_J;
        ours_J += drawn_J * share.value_or(0.0);
      }
    } catch (const std::exception&) {
      return std::nullopt;
    }
    if (!known || !(all_J > 0.0)) return std::nullopt;
    return ours_J / all_J;
  }

 private:
  std::vector<NvmlBoard> boards_;
  NvmlOptions options_;
  std::vector<SensorChannel> channels_;
  std::vector<double> told_J_, shared_J_;  ///< by board: at the last reading, at the last call of share_of
};

/// A driver or library that is there and does not work.
class BrokenNvml final : public EnergySensor {
 public:
  BrokenNvml(std::string fault, int error) : fault_(std::move(fault)), error_(error) {
    channels_.emplace_back().boundary = "board";
    channels_[0].source = "NVML";
  }
  [[nodiscard]] std::string name() const override { return "nvml"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }
  void read(std::span<double> joules) noexcept override { joules[0] = std::numeric_limits<double>::quiet_NaN(); }
  [[nodiscard]] std::string fault(std::size_t /*channel*/) const override { return fault_; }
  [[nodiscard]] bool readable(std::size_t /*channel*/) const override { return false; }
  [[nodiscard]] std::vector<std::string> remedies() const override {
    if (error_ != nvml_version_mismatch) return {};
    return {"reboot   # the driver that is loaded and its library are of different versions"};
  }

 private:
  std::string fault_;
  int error_;
  std::vector<SensorChannel> channels_;
};

}  // namespace

std::unique_ptr<EnergySensor> open_nvml(const Machine& /*machine*/, const NvmlOptions& options) {
  const auto nvml = NvmlLibrary::load(options.library);
  if (!nvml) return nullptr;
  unsigned count = 0;
  int error = nvml->start();
  if (error == nvml_success) error = nvml->device_count(&count);
  if (error == nvml_driver_not_loaded || error == nvml_library_not_found || error == nvml_gpu_not_found) return nullptr;
  if (error != nvml_success)
    return std::make_unique<BrokenNvml>("NVML does not start: " + nvml->error_text(error), error);
  constexpr unsigned most_boards = 256;
  std::vector<NvmlBoard> boards;
  for (unsigned i = 0; i < std::min(count, most_boards); ++i) boards.emplace_back(nvml, i);
  if (boards.empty()) return nullptr;
  return std::make_unique<Nvml>(std::move(boards), options);
}

bool in_first_pid_namespace() {
  struct stat s {};
  return ::stat("/proc/self/ns/pid", &s) == 0 && s.st_ino == first_pid_namespace;
}

}  // namespace haywatt::meter
