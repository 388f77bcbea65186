#include "meter/sensors/ipmi_interface.hpp"

#include <fcntl.h>
#include <linux/ipmi.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace haywatt::meter {
namespace {

constexpr int patience_ms = 250;
/// Answers to earlier questions that came too late lie in front; so many are dropped at once.
constexpr int most_late_answers = 8;

class IpmiDevice final : public IpmiInterface {
 public:
  explicit IpmiDevice(int fd) : fd_(fd) {}
  ~IpmiDevice() override { ::close(fd_); }
  IpmiDevice(const IpmiDevice&) = delete;
  IpmiDevice& operator=(const IpmiDevice&) = delete;

  int ask(std::uint8_t net_function, std::uint8_t command, std::span<const std::uint8_t> question,
          std::span<std::uint8_t> answer, std::size_t& length) noexcept override {
    std::array<unsigned char, 32> data{};
    if (question.size() > data.size()) return EMSGSIZE;
    std::copy(question.begin(), question.end(), data.begin());
    ipmi_system_interface_addr to{};
    to.addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE;
    to.channel = IPMI_BMC_CHANNEL;
    ipmi_req request{};
    request.addr = reinterpret_cast<unsigned char*>(&to);
    request.addr_len = sizeof to;
    request.msgid = ++number_;
    request.msg.netfn = net_function;
    request.msg.cmd = command;
    request.msg.data_len = static_cast<unsigned short>(question.size());
    request.msg.data = data.data();
    if (::ioctl(fd_, IPMICTL_SEND_COMMAND, &request) < 0) return errno;
    for (int i = 0; i < most_late_answers; ++i) {
      pollfd waiting{fd_, POLLIN, 0};
      const int ready = ::poll(&waiting, 1, patience_ms);
      if (ready < 0) return errno;
      if (ready == 0) return ETIMEDOUT;
      ipmi_addr from{};
      ipmi_recv received{};
      received.addr = reinterpret_cast<unsigned char*>(&from);
      received.addr_len = sizeof from;
      received.msg.data = answer.data();
      received.msg.data_len = static_cast<unsigned short>(answer.size());
      if (::ioctl(fd_, IPMICTL_RECEIVE_MSG_TRUNC, &received) < 0 && errno != EMSGSIZE) return errno;
      if (received.recv_type != IPMI_RESPONSE_RECV_TYPE || received.msgid != number_) continue;
      length = received.msg.data_len;
      return 0;
    }
    return ETIMEDOUT;
  }

 private:
  int fd_;
  long number_ = 0;
};

}  // namespace

std::unique_ptr<IpmiInterface> open_ipmi_device(const std::string& path, int& error) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  error = fd < 0 ? errno : 0;
  if (fd < 0) return nullptr;
  return std::make_unique<IpmiDevice>(fd);
}

}  // namespace haywatt::meter
