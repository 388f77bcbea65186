#include "meter/sensors/channel_subset.hpp"

#include <utility>

namespace haywatt::meter {
namespace {

class ChannelSubset final : public EnergySensor {
 public:
  ChannelSubset(std::unique_ptr<EnergySensor> sensor, const std::vector<std::size_t>& kept)
      : sensor_(std::move(sensor)), kept_(kept), all_(sensor_->channels().size()) {
    for (const std::size_t c : kept_) channels_.push_back(sensor_->channels()[c]);
  }
  [[nodiscard]] std::string name() const override { return sensor_->name(); }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }
  void read(std::span<double> joules) noexcept override {
    sensor_->read(all_);
    for (std::size_t i = 0; i < kept_.size(); ++i) joules[i] = all_[kept_[i]];
  }
  [[nodiscard]] std::string fault(std::size_t channel) const override { return sensor_->fault(kept_[channel]); }
  [[nodiscard]] bool readable(std::size_t channel) const override { return sensor_->readable(kept_[channel]); }
  [[nodiscard]] std::vector<std::string> remedies() const override { return sensor_->remedies(); }
  [[nodiscard]] std::optional<double> share_of(std::size_t channel,
                                               std::span<const pid_t> processes) noexcept override {
    return sensor_->share_of(kept_[channel], processes);
  }

 private:
  std::unique_ptr<EnergySensor> sensor_;
  std::vector<std::size_t> kept_;
  std::vector<SensorChannel> channels_;
  std::vector<double> all_;  ///< room for a reading of every channel
};

}  // namespace

std::unique_ptr<EnergySensor> subset_of(std::unique_ptr<EnergySensor> sensor, const std::vector<std::size_t>& kept) {
  return std::make_unique<ChannelSubset>(std::move(sensor), kept);
}

}  // namespace haywatt::meter
