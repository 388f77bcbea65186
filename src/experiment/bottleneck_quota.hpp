/// A control group of ours that grants less CPU time than there is, where such a group can be made.
#pragma once
#include <string>

namespace haywatt::experiment {

/// Not thread-safe. Removes the group at its end.
class QuotaGroup {
 public:
  /// Error(Unavailable) if no group can be made (no root, no cgroup), in one line.
  QuotaGroup();
  ~QuotaGroup();
  QuotaGroup(const QuotaGroup&) = delete;
  QuotaGroup& operator=(const QuotaGroup&) = delete;
  /// Grants this process, and what it starts from now on, `cpus` CPUs (0.5: half of one).
  void enter(double cpus);
  void leave();

 private:
  std::string folder_, home_;
  bool v2_ = false;
};

}  // namespace haywatt::experiment
