#include "experiment/bottleneck_quota.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::experiment {
namespace {

// Short periods: with the usual 100 ms a run of a second would be rounded by 5 %.
constexpr int period_us = 10'000;

bool write_line(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text << std::flush;
  return out.good();
}

/// Where this process lies in the hierarchy that has the controller of CPU time.
struct Place {
  std::string folder;
  bool v2 = false;
};

std::vector<Place> places() {
  std::vector<Place> list;
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",",
                      path = line.substr(second + 1);
    if (controllers == ",,") list.push_back({"/sys/fs/cgroup" + path, true});
    if (controllers.find(",cpu,") == std::string::npos) continue;
    list.push_back({"/sys/fs/cgroup/cpu" + path, false});
    list.push_back({"/sys/fs/cgroup/cpu,cpuacct" + path, false});
  }
  return list;
}

/// Groups of searches that were killed. One that is in use has processes and cannot be removed.
void remove_left_behind(const std::string& folder) {
  constexpr std::string_view ours = "haywatt-bottleneck-";
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(ours)) continue;
    const auto pid = parse_u64(name.substr(ours.size()));
    if (pid && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH) ::rmdir(at->path().c_str());
  }
}

}  // namespace

QuotaGroup::QuotaGroup() {
  for (const Place& place : places()) {
    remove_left_behind(place.folder);
    const std::string folder =
        place.folder + (place.folder.ends_with('/') ? "" : "/") + "haywatt-bottleneck-" + std::to_string(::getpid());
    if (::mkdir(folder.c_str(), 0755) != 0) continue;
    const std::string knob = folder + (place.v2 ? "/cpu.max" : "/cpu.cfs_quota_us");
    if (::access(knob.c_str(), W_OK) == 0) {
      folder_ = folder;
      home_ = place.folder;
      v2_ = place.v2;
      return;
    }
    ::rmdir(folder.c_str());
  }
  fail_unavailable("no control group for CPU time can be made here (it needs root or a delegated group)");
}

QuotaGroup::~QuotaGroup() {
  leave();
  for (int look = 0; ::rmdir(folder_.c_str()) != 0 && look < 50; ++look) ::usleep(10'000);
}

void QuotaGroup::enter(double cpus) {
  const std::string quota = std::to_string(static_cast<int>(cpus * period_us)), period = std::to_string(period_us);
  const bool set =
      v2_ ? write_line(folder_ + "/cpu.max", quota + " " + period)
          : write_line(folder_ + "/cpu.cfs_period_us", period) && write_line(folder_ + "/cpu.cfs_quota_us", quota);
  if (!set || !write_line(folder_ + "/cgroup.procs", std::to_string(::getpid())))
    fail_system("cannot set a quota in " + folder_);
}

void QuotaGroup::leave() { write_line(home_ + "/cgroup.procs", std::to_string(::getpid())); }

}  // namespace haywatt::experiment
