/// Projects in tests/golden/baler, and a folder of its own for each test.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "haywatt/codec/baler/project_files.hpp"
#include "haywatt/data/npz_arrays.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::baler::test {

inline std::string golden_baler(const std::string& path) {
  return std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/baler/" + path;
}
inline std::string workspace(const std::string& path) { return golden_baler("workspaces/golden/" + path); }

class ProjectTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '-');
    folder_ = (std::filesystem::temp_directory_path() / ("haywatt-project-" + std::to_string(::getpid()) + "-" + name))
                  .string();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] ProjectModel import(const std::string& folder) {
    notes_.clear();
    return import_project(folder, {}, notes_);
  }
  [[nodiscard]] bool noted(const std::string& part) const {
    return std::any_of(notes_.begin(), notes_.end(),
                       [&](const std::string& n) { return n.find(part) != std::string::npos; });
  }

  std::string folder_;
  std::vector<std::string> notes_;
};

inline std::vector<double> values(const std::string& npz, const std::string& key = "data") {
  return NpzArrays(npz).doubles(key);
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double d = std::fabs(a[i] - b[i]);
    if (!(d <= most)) most = d;  // NaN stays
  }
  return most;
}

}  // namespace haywatt::baler::test
