/// Text of a report: escaping for each place it goes to, and numbers with sensible digits. Pure and thread-safe.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/metrics/payback.hpp"
#include "haywatt/record/figure.hpp"

namespace haywatt::report {

/// For HTML text and double-quoted attributes. Control characters but tab and newline become U+FFFD.
[[nodiscard]] std::string escape_html(std::string_view text);
/// A method's name as HTML that may break after a colon, comma, hyphen or equals sign.
[[nodiscard]] std::string method_html(std::string_view name);
/// For a cell of a GitHub table or a sentence in Markdown: nothing in it becomes markup, a link or a new cell.
[[nodiscard]] std::string escape_markdown(std::string_view text);
/// For a fenced or indented Markdown block.
[[nodiscard]] std::string markdown_block(std::string_view text);
/// JSON that may stand inside a <script> element: no '<', '>' or '&'; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string script_json(const nlohmann::json& json);

/// Three significant digits: "0.00123", "12.3", "1,230", outside 1e-3 … 1e6 "1.23×10⁸"; "∞"; "–" for NaN.
[[nodiscard]] std::string digits(double value);
/// With SI prefix and unit: "1.23 kJ/GB"; unit "1" is left out; "B/row" and other counts get no prefix.
[[nodiscard]] std::string quantity(double value, std::string_view unit);
/// The interval in the prefix of the value, without unit: "1.01 to 1.52"; empty for an exact figure.
[[nodiscard]] std::string interval(const Figure& figure);
/// "1.23 kJ/GB (1.01 to 1.52)", or just the value of an exact figure.
[[nodiscard]] std::string with_interval(const Figure& figure);
/// The same as narrow as a table wants it: "1.01–1.52"; far from one with a common power of ten,
/// "(2.29–2.54)·10⁻⁴".
[[nodiscard]] std::string narrow_interval(const Figure& figure);
/// "×0.53" or "×0.53 (0.50 to 0.57)".
[[nodiscard]] std::string times(const Figure& ratio);

/// A length of time a person would say: "3.2 s", "4.1 min", "12 h", "5.3 days", "2.1 years".
[[nodiscard]] std::string duration(double seconds);
/// A whole number: "30,000".
[[nodiscard]] std::string count(std::uint64_t n);

/// "never", "at once", "5.3 days", "unknown".
[[nodiscard]] std::string payback_value(const metrics::Payback& payback);
/// What stands beside it: "1.2 to 23 days", or why never or unknown; may be empty.
[[nodiscard]] std::string payback_detail(const metrics::Payback& payback);
/// Both: "never (why)", "at once", "5.3 days (1.2 to 23 days)", "unknown (why)".
[[nodiscard]] std::string payback_text(const metrics::Payback& payback);

/// "a", "a and b", "a, b and c".
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);

}  // namespace haywatt::report
