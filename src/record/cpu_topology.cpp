/// Which logical CPUs share a core. Counts do not say it: siblings may be off one by one, and cores of one machine may
/// differ.
#include <algorithm>
#include <fstream>
#include <set>
#include <vector>

#include "haywatt/base/text.hpp"
#include "record/machine_sources.hpp"

namespace haywatt::record {
namespace {

std::vector<int> cpus_of_file(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  in >> line;
  return cpu_list(line);
}

}  // namespace

void read_topology(const std::string& root, Machine& m) {
  const std::string folder = root + "/sys/devices/system/cpu";
  const std::vector<int> listed = cpus_of_file(folder + "/online");
  const std::set<int> online(listed.begin(), listed.end());
  std::set<int> firsts;  // of each core the first sibling
  int paired = 0, told = 0;
  for (const int cpu : online) {
    const std::string topology = folder + "/cpu" + std::to_string(cpu) + "/topology";
    std::vector<int> siblings = cpus_of_file(topology + "/thread_siblings_list");
    if (siblings.empty()) siblings = cpus_of_file(topology + "/core_cpus_list");  // its name since Linux 5.3
    std::erase_if(siblings, [&](int s) { return !online.contains(s); });
    if (std::find(siblings.begin(), siblings.end(), cpu) == siblings.end()) continue;
    ++told;
    firsts.insert(*std::min_element(siblings.begin(), siblings.end()));
    if (siblings.size() > 1) ++paired;
  }
  if (told > 0 && told == static_cast<int>(online.size())) {
    m.physical_cores = static_cast<int>(firsts.size());
    m.paired_cpus = paired;
  } else if (m.physical_cores > 0) {
    m.paired_cpus = std::clamp(2 * (m.logical_cpus - m.physical_cores), 0, m.logical_cpus);
  }
}

}  // namespace haywatt::record
