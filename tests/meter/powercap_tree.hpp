/// A powercap tree in a temporary folder, laid out as Linux does.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace haywatt::meter::test {

class PowercapTree {
 public:
  PowercapTree() {
    std::string name = (std::filesystem::temp_directory_path() / "haywatt-powercap-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
  }
  ~PowercapTree() { std::filesystem::remove_all(root_); }
  PowercapTree(const PowercapTree&) = delete;
  PowercapTree& operator=(const PowercapTree&) = delete;
  [[nodiscard]] const std::string& root() const { return root_; }
  void zone(const std::string& id, const std::string& name, std::uint64_t energy_uJ,
            std::uint64_t range_uJ = 262'143'328'850) const {
    std::filesystem::create_directories(folder(id));
    std::ofstream(folder(id) + "/name") << name << "\n";
    std::ofstream(folder(id) + "/max_energy_range_uj") << range_uJ << "\n";
    std::ofstream(folder(id) + "/energy_uj") << padded(energy_uJ);
  }
  /// In place and at once, as the kernel does: a reader never sees half a number.
  void set(const std::string& id, std::uint64_t energy_uJ) const {
    const int fd = ::open((folder(id) + "/energy_uj").c_str(), O_WRONLY);
    const std::string text = padded(energy_uJ);
    ASSERT_EQ(::pwrite(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    ::close(fd);
  }
  [[nodiscard]] std::string folder(const std::string& id) const { return root_ + "/sys/class/powercap/" + id; }

 private:
  static std::string padded(std::uint64_t v) {
    char text[32];
    std::snprintf(text, sizeof text, "%020llu\n", static_cast<unsigned long long>(v));
    return text;
  }
  std::string root_;
};

}  // namespace haywatt::meter::test
