/// External programs as methods of a study: any compressor, described by its command lines (docs/external-methods.md).
/// Plain data and pure functions.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/data/bound.hpp"

namespace haywatt::experiment {

/// How a table is handed to a program and taken from it. RawF4, RawF8: the values row by row, little-endian, no header.
/// Npy: the same with a header, in the narrowest type that holds all columns.
enum class TableForm : std::uint8_t { Npz, Npy, RawF4, RawF8, Csv };

/// "npz", "npy", "raw-f4", "raw-f8", "csv". Error(Usage) otherwise.
[[nodiscard]] TableForm parse_table_form(std::string_view text);
[[nodiscard]] std::string_view name_of(TableForm form);

struct ExternalMethod {
  std::string name;                         ///< as the plan says, without external_prefix
  std::string train, compress, decompress;  ///< command lines; train may be empty, decompress if one_way
  std::string version;                      ///< command line whose first line of output is the version; may be empty
  TableForm input = TableForm::Npz, output = TableForm::Npz;
  /// Kinds of bounds that it claims to keep ("lossless", "range", …), each with the words that {bound} stands for
  /// there.
  std::map<std::string, std::string> guarantee;
  std::string phases_from;  ///< as `haywatt meter --phases-from`
  std::map<std::string, std::string> environment;
  std::string folder;                           ///< {plan}: where relative programs are looked for; absolute
  std::string out = "packed", model = "model";  ///< paths of {out} and {model} in the work folder
  std::vector<std::string> stored;              ///< what else in the work folder decompressing needs
  double timeout_s = 0.0;                       ///< of each command; 0: the plan's
  bool one_way = false;                         ///< it cannot decompress

  /// All that decides what a run does, but for `folder` and `timeout_s`: two methods that agree in it are the same.
  [[nodiscard]] std::string identity() const;
  /// Whether it claims to keep this bound, or claims nothing and the bound is `none`.
  [[nodiscard]] bool supports(const std::vector<BoundRule>& rules) const;
  /// Error(Usage) for a command line that cannot be used, a name that is none, and the like: one line.
  void check() const;
};

/// Names of external methods in records begin so: "external:xz".
inline constexpr std::string_view external_prefix = "external:";

/// "lossless", "abs", "range", "rel", "bits", "none".
[[nodiscard]] std::string_view name_of(BoundKind kind);

void to_json(nlohmann::json& j, const ExternalMethod& m);
void from_json(const nlohmann::json& j, ExternalMethod& m);

}  // namespace haywatt::experiment
