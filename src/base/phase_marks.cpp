#include "haywatt/base/phase_marks.hpp"

#include <cstdlib>

#include "haywatt/base/span.hpp"
#include "haywatt_phase.h"

namespace haywatt {
namespace {

class PhaseMarks final : public SpanListener {
 public:
  void on_begin(std::string_view phase, const SpanBorder&) noexcept override { mark(haywatt_phase_begin, phase); }
  void on_end(std::string_view phase, const SpanBorder&) noexcept override { mark(haywatt_phase_end, phase); }

 private:
  static void mark(void (*send)(const char*), std::string_view phase) noexcept {
    char name[201];
    name[phase.copy(name, sizeof name - 1)] = '\0';
    send(name);
  }
};

}  // namespace

void announce_phases_to_meter() {
  const char* channel = std::getenv("HAYWATT_PHASES");
  if (channel == nullptr || *channel == '\0') return;
  static PhaseMarks marks;
  set_span_listener(&marks);
}

}  // namespace haywatt
