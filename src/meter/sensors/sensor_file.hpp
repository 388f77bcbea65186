/// Small files of sensors: opened once, read again and again, with the reason when they cannot be.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace haywatt::meter {

/// A file that holds a number. Not thread-safe.
class SensorFile {
 public:
  SensorFile() = default;
  explicit SensorFile(std::string path);
  ~SensorFile();
  SensorFile(SensorFile&& o) noexcept;
  SensorFile& operator=(SensorFile&& o) noexcept;
  SensorFile(const SensorFile&) = delete;
  SensorFile& operator=(const SensorFile&) = delete;

  /// The digits it begins with, after spaces and followed by anything ("123 J"). Nothing where there are none, or more
  /// than 64 bits hold; problem() then says why.
  [[nodiscard]] std::optional<std::uint64_t> number() noexcept;
  /// Why opening or the last reading failed; empty if neither did.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] bool opened() const noexcept { return fd_ >= 0; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
  int error_ = 0;  ///< errno, or no_number
};

/// The first word of a file, the first line of one without its end, or nothing.
[[nodiscard]] std::string first_word(const std::string& path);
[[nodiscard]] std::string first_line(const std::string& path);
/// "permission denied" and so on, for a person.
[[nodiscard]] std::string error_text(int error_number);

}  // namespace haywatt::meter
