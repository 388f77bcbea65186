/// Baler's config file, which is Python code, read without running it: `c.name = literal` lines in `def
/// set_config(c):`.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace haywatt::baler {

/// None, bool, int, float, str, list or tuple of these.
struct Literal {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<Literal>> value;
};

class PythonConfig {
 public:
  /// `text` as read from `path`. Error(BadInput) naming the line for anything but comments, blank lines, the def, and
  /// assignments of literals; in literals lists may be repeated and added ([…] * 3 + […]). As in Python the last
  /// assignment to a name counts.
  PythonConfig(std::string_view text, const std::string& path);

  [[nodiscard]] const std::map<std::string, Literal>& fields() const { return fields_; }
  // Nothing if the field is absent or None; Error(BadInput) if it is of another type.
  [[nodiscard]] std::optional<std::string> string(const std::string& name) const;
  [[nodiscard]] std::optional<double> number(const std::string& name) const;
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& name) const;
  [[nodiscard]] std::optional<bool> boolean(const std::string& name) const;
  [[nodiscard]] const std::vector<Literal>* list(const std::string& name) const;  ///< False counts as absent

 private:
  [[nodiscard]] const Literal* find(const std::string& name) const;
  [[noreturn]] void fail_type(const std::string& name, const std::string& wanted) const;
  std::string path_;
  std::map<std::string, Literal> fields_;
};

}  // namespace haywatt::baler
