/// A study that was never run: plausible numbers with every oddity a report must bear. Deterministic.
#pragma once
#include <cstdint>

#include "haywatt/record/record.hpp"

namespace haywatt::test {

struct FixtureOptions {
  int columns = 12;
  int extra_methods = 0;  ///< besides the twelve of the fixture
  int repeats = 6;
  int bins = 60;
  int samples = 400;           ///< of the longest run
  bool energy = true;          ///< false: every energy figure is unknown
  bool hostile_names = false;  ///< columns, file, reasons and versions full of markup
  bool baler_lossy = true;
};

[[nodiscard]] StudyRecord make_study(const FixtureOptions& options = {});

/// Markup that must never reach a page unescaped.
inline constexpr const char* hostile_text =
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&|`*_ ]](javascript:alert(3))\x01\xff <!--";

}  // namespace haywatt::test
