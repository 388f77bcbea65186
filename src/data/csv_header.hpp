/// The header line of a CSV file (RFC 4180 quoting; comma, semicolon or tab between the fields).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::data {

/// The separator that occurs most often outside quotes; a comma if none does, or of two equally frequent ones.
[[nodiscard]] char detect_separator(std::string_view header);
/// The fields as written, quotes and all. A quote opens only at the start of a field.
[[nodiscard]] std::vector<std::string_view> split_quoted(std::string_view line, char separator);
/// Without surrounding blanks, or without its quotes and with "" turned into ".
[[nodiscard]] std::string unquote(std::string_view field);
/// Quoted if it holds any separator, a quote, a line end, or blanks at an end.
[[nodiscard]] std::string quote_if_needed(std::string_view name);
/// The header of the chosen columns only, each field as it was written.
[[nodiscard]] std::string select_csv_header(std::string_view header, const std::vector<std::uint32_t>& kept);

}  // namespace haywatt::data
