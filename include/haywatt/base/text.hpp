/// Small text helpers shared by the rooms. Pure, thread-safe.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt {

/// Shell-style match of a whole name: `*`, `?`, `[a-z]` (POSIX fnmatch without path rules).
[[nodiscard]] bool glob_match(const std::string& pattern, const std::string& name);
[[nodiscard]] bool has_glob_characters(std::string_view pattern) noexcept;
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
/// Whole text as a finite-or-not double, no trailing characters, independent of locale.
[[nodiscard]] std::optional<double> parse_double(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text) noexcept;
/// "64K", "512M", "2G", "2GiB" (powers of 1024) or plain bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
/// "5s", "500ms", "1m", "2h" or plain seconds, decimals allowed ("1.5s"), as seconds; nothing if negative or not
/// finite.
[[nodiscard]] std::optional<double> parse_duration_s(std::string_view text) noexcept;
/// The CPUs of a kernel list like "0,18" or "0-3,8" (Linux Documentation/admin-guide/cputopology.rst). At most `most`;
/// nothing if it is no such list.
[[nodiscard]] std::vector<int> cpu_list(std::string_view text, std::size_t most = 4096);
/// Now as ISO 8601 in UTC: "2024-05-01T12:00:00Z".
[[nodiscard]] std::string utc_now();
/// Three significant digits with an SI prefix: 1234567 -> "1.23 M" + unit, e.g. si(1.2e6, "B") = "1.2 MB".
[[nodiscard]] std::string si(double value, std::string_view unit);

}  // namespace haywatt
