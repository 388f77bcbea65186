/// Our spans as marks of docs/phases.md, so that `haywatt meter` sees the phases of a `haywatt` that it runs.
#pragma once

namespace haywatt::cli {

/// Installs the listener if a meter waits for marks (HAYWATT_PHASES is set).
void announce_phases_to_meter();

}  // namespace haywatt::cli
