/// Our spans as marks of docs/phases.md, so that `haywatt meter` sees the phases of our own programs.
#pragma once

namespace haywatt {

/// Installs the listener if a meter waits for marks (HAYWATT_PHASES is set).
void announce_phases_to_meter();

}  // namespace haywatt
