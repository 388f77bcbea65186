/// The moment a run began, from its record.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace haywatt::trace {

/// "2026-11-24T20:06:05Z" (a fraction of a second is dropped) to seconds since 1970; nothing if it is not such a text.
[[nodiscard]] std::optional<std::int64_t> started_unix_s(const std::string& iso_8601);

/// Seconds since 1970 as "2026-11-24T20:06:05", UTC.
[[nodiscard]] std::string iso_without_zone(std::int64_t unix_s);

}  // namespace haywatt::trace
