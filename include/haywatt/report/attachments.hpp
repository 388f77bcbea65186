/// What a study's report holds beside the study: profiles and bottlenecks found elsewhere.
#pragma once
#include <vector>

#include "haywatt/record/bottleneck.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt::report {

struct Attachments {
  std::vector<ProfileRecord> profiles;
  std::vector<BottleneckRecord> bottlenecks;
  [[nodiscard]] bool empty() const { return profiles.empty() && bottlenecks.empty(); }
};

}  // namespace haywatt::report
