/// Messages for people, on standard error: one line each, prefixed "haywatt: ". Thread-safe.
#pragma once
#include <string_view>

namespace haywatt::log {

enum class Level { Quiet, Normal, Verbose };
void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;
void error(std::string_view message);    ///< always printed
void warning(std::string_view message);  ///< printed unless Quiet
void info(std::string_view message);     ///< printed unless Quiet
void detail(std::string_view message);   ///< printed when Verbose
/// While a progress bar (haywatt/base/progress.hpp) is drawn, messages erase its line first.
void set_bar(bool drawn) noexcept;

}  // namespace haywatt::log
