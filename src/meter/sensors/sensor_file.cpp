#include "meter/sensors/sensor_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

namespace haywatt::meter {
namespace {

constexpr int no_number = -1;
constexpr const char* spaces = " \t\r\n";
/// Files of sensors are short. O_NONBLOCK: something else in their place, such as a pipe, must not make us wait.
constexpr int how_to_open = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

std::string beginning_of(const std::string& path) {
  std::array<char, 4096> text{};
  const int fd = ::open(path.c_str(), how_to_open);
  if (fd < 0) return {};
  const ssize_t n = ::read(fd, text.data(), text.size());
  ::close(fd);
  return n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : std::string{};
}

}  // namespace

SensorFile::SensorFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), how_to_open);
  if (fd_ < 0) error_ = errno;
}

SensorFile::~SensorFile() {
  if (fd_ >= 0) ::close(fd_);
}

SensorFile::SensorFile(SensorFile&& o) noexcept
    : path_(std::move(o.path_)), fd_(std::exchange(o.fd_, -1)), error_(o.error_) {}

SensorFile& SensorFile::operator=(SensorFile&& o) noexcept {
  std::swap(path_, o.path_);
  std::swap(fd_, o.fd_);
  std::swap(error_, o.error_);
  return *this;
}

std::optional<std::uint64_t> SensorFile::read(bool sign_allowed) noexcept {
  if (fd_ < 0) return std::nullopt;
  std::array<char, 64> text{};
  const ssize_t n = ::pread(fd_, text.data(), text.size(), 0);
  if (n < 0) {
    error_ = errno;
    return std::nullopt;
  }
  const char* first = text.data();
  const char* const last = first + n;
  while (first != last && (*first == ' ' || *first == '\t')) ++first;
  if (sign_allowed && first != last && *first == '-') ++first;
  std::uint64_t value = 0;
  const auto result = std::from_chars(first, last, value);
  if (result.ec != std::errc{}) {
    error_ = no_number;
    return std::nullopt;
  }
  error_ = 0;
  return value;
}

std::string SensorFile::problem() const {
  if (error_ == 0) return {};
  const std::string name = path_.substr(path_.rfind('/') + 1);
  if (error_ == no_number) return name + " holds no number";
  if (error_ == EACCES || error_ == EPERM) return "no permission to read " + name;
  return "cannot read " + name + ": " + error_text(error_);
}

std::vector<std::string> files_beginning(const std::string& folder, const std::string& prefix) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(prefix)) paths.push_back(it->path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool file_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

std::string first_word(const std::string& path) {
  const std::string text = beginning_of(path);
  const auto start = text.find_first_not_of(spaces);
  if (start == std::string::npos) return {};
  return text.substr(start, text.find_first_of(spaces, start) - start);
}

std::string first_line(const std::string& path) {
  const std::string text = beginning_of(path);
  return text.substr(0, text.find('\n'));
}

std::string error_text(int error_number) { return std::strerror(error_number); }

}  // namespace haywatt::meter
