// The codec room cannot see the metrics' constants; its default price must stay theirs.
#include <gtest/gtest.h>

#include "haywatt/codec/baler/trainer.hpp"
#include "haywatt/metrics/constants.hpp"

namespace haywatt {
namespace {

TEST(EnergyPrice, OfAByteIsThatOfItsStorage) {
  constexpr double years = 10.0, seconds_per_hour = 3600.0, bytes_per_TB = 1e12;
  const double per_byte_hour_J = metrics::storage_power().value * seconds_per_hour / bytes_per_TB;
  EXPECT_DOUBLE_EQ(baler::default_joule_per_byte,
                   per_byte_hour_J * metrics::hours_per_year * years * metrics::storage_replicas().value);
}

}  // namespace
}  // namespace haywatt
