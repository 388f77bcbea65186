#include "haywatt/base/error.hpp"

#include <cerrno>
#include <cstring>

namespace haywatt {

void fail_errno(const std::string& what, int error_number) {
  // A missing or unreadable input is the system's refusal too; what differs is only the text.
  throw Error(ErrorKind::System, what + ": " + std::strerror(error_number));
}

}  // namespace haywatt
