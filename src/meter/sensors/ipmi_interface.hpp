/// Questions to a machine's management controller (BMC), so that tests can answer in its place.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace haywatt::meter {

class IpmiInterface {
 public:
  virtual ~IpmiInterface() = default;
  /// 0, or errno (ETIMEDOUT: no answer within a quarter of a second). `length`: bytes of the answer, which begins with
  /// the completion code; what does not fit into `answer` is dropped.
  [[nodiscard]] virtual int ask(std::uint8_t net_function, std::uint8_t command, std::span<const std::uint8_t> question,
                                std::span<std::uint8_t> answer, std::size_t& length) noexcept = 0;
};

/// The kernel's device (Linux drivers/char/ipmi/ipmi_devintf.c). nullptr and `error` (errno) if it cannot be opened.
[[nodiscard]] std::unique_ptr<IpmiInterface> open_ipmi_device(const std::string& path, int& error);

}  // namespace haywatt::meter
