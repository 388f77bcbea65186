/// Small tables and folders for tests of studies.
#pragma once
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace haywatt::experiment::testing {

/// A folder of its own that is gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "haywatt-study-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline void write_file(const std::string& path, const std::string& bytes, bool executable = false) {
  std::ofstream(path, std::ios::binary) << bytes;
  if (executable) std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

/// A CSV of columns c0, c1, …: smooth values that differ from `seed` to `seed`.
inline void write_csv(const std::string& path, int rows, int columns, int seed = 1) {
  std::string text;
  for (int c = 0; c < columns; ++c) text += (c > 0 ? ",c" : "c") + std::to_string(c);
  text += '\n';
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c)
      text += (c > 0 ? "," : "") + std::to_string(std::sin(0.01 * (r * (c + 1) + seed)) * (c + 1) + 0.5);
    text += '\n';
  }
  write_file(path, text);
}

}  // namespace haywatt::experiment::testing
