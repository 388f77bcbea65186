/// Our own plug-ins: parts of the program whose libraries are loaded only when needed.
#pragma once
#include <string>

namespace haywatt {

/// Path of the plug-in `file_name`; looked for in HAYWATT_PLUGIN_DIR, beside the executable, and in ../lib/haywatt. If
/// it is not there: empty, and `looked` lists the folders.
[[nodiscard]] std::string find_plugin_file(const std::string& file_name, std::string& looked);

/// Loads it, for as long as the process lives, and gives the address of its symbol `entry`; nullptr with the reason in
/// `why` if that fails. `flags` are dlopen's.
[[nodiscard]] void* load_plugin_file(const std::string& path, const char* entry, int flags, std::string& why);

}  // namespace haywatt
