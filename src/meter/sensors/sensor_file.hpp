/// Small files of sensors: opened once, read again and again, with the reason when they cannot be.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
  [[nodiscard]] std::optional<std::uint64_t> number() noexcept { return read(false); }
  /// The same of a number that may have a minus sign, which is left out.
  [[nodiscard]] std::optional<std::uint64_t> magnitude() noexcept { return read(true); }
  /// Why opening or the last reading failed; empty if neither did.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] bool opened() const noexcept { return fd_ >= 0; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::optional<std::uint64_t> read(bool sign_allowed) noexcept;
  std::string path_;
  int fd_ = -1;
  int error_ = 0;  ///< errno, or no_number
};

/// Paths of the files of a folder whose names begin so, sorted by name; none if there is no such folder.
[[nodiscard]] std::vector<std::string> files_beginning(const std::string& folder, const std::string& prefix);
[[nodiscard]] bool file_exists(const std::string& path);

/// The first word of a file, the first line of one without its end, or nothing.
[[nodiscard]] std::string first_word(const std::string& path);
[[nodiscard]] std::string first_line(const std::string& path);
/// "permission denied" and so on, for a person.
[[nodiscard]] std::string error_text(int error_number);

}  // namespace haywatt::meter
