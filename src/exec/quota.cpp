#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "haywatt/base/text.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt::exec {
namespace {

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

/// CPUs granted by one cgroup folder, if it limits them.
std::optional<double> quota_of(const std::string& folder, bool v2) {
  if (v2) {
    const auto line = first_line(folder + "/cpu.max");
    if (!line) return std::nullopt;
    std::istringstream words(*line);
    std::string quota;
    double period = 0;
    if (!(words >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
    const auto value = parse_double(quota);
    return value && *value > 0 ? std::optional(*value / period) : std::nullopt;
  }
  const auto quota = first_line(folder + "/cpu.cfs_quota_us");
  const auto period = first_line(folder + "/cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  const auto q = parse_double(*quota);
  const auto p = parse_double(*period);
  return q && p && *q > 0 && *p > 0 ? std::optional(*q / *p) : std::nullopt;
}

/// The tightest limit on the way from the process's own cgroup up to the root.
double cgroup_limit() {
  double limit = INFINITY;
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    const auto names = split(controllers, ',');
    if (!v2 && std::find(names.begin(), names.end(), "cpu") == names.end()) continue;
    std::string path = line.substr(second + 1);
    for (const std::string root :
         {v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu", v2 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup/cpu,cpuacct"}) {
      for (std::string at = path;;) {
        if (const auto quota = quota_of(root + at, v2)) limit = std::min(limit, *quota);
        if (at.empty() || at == "/") break;
        at.erase(at.rfind('/'));
      }
    }
  }
  return limit;
}

}  // namespace

double cpu_quota() {
  double allowed = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) allowed = CPU_COUNT(&set);
  return std::max(0.01, std::min(allowed, cgroup_limit()));
}

int default_threads() { return std::max(1, static_cast<int>(std::ceil(cpu_quota()))); }

}  // namespace haywatt::exec
