// The joules of this process while it runs.
#include "haywatt/meter/own_energy.hpp"

#include <gtest/gtest.h>

#include "haywatt/base/span.hpp"

namespace haywatt::meter {
namespace {

TEST(OwnEnergy, RisesWithWorkAndSaysWhence) {
  OwnEnergy energy;
  EXPECT_TRUE(energy.source().empty());
  EXPECT_EQ(energy.joules(), 0.0);
  EXPECT_FALSE(energy.source().empty());
  const std::int64_t until = read_span_border().process_cpu_ns + 50'000'000;
  while (read_span_border().process_cpu_ns < until) {
  }
  const double worked = energy.joules();
  EXPECT_GE(worked, 0.0);
  if (energy.source().starts_with("estimate")) {  // a sensor may not have moved yet
    EXPECT_GT(worked, 0.0);
  }
  EXPECT_LT(worked, 100.0);  // a twentieth of a second
  EXPECT_GE(energy.joules(), worked);
}

}  // namespace
}  // namespace haywatt::meter
