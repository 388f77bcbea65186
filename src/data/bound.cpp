#include "haywatt/data/bound.hpp"

#include <algorithm>
#include <cmath>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt {
namespace {

/// E as users write it: "1e-3" or "2^-10".
double parse_epsilon(std::string_view text, std::string_view whole) {
  std::optional<double> value;
  if (text.starts_with("2^")) {
    const auto exponent = parse_double(text.substr(2));
    if (exponent && *exponent == std::trunc(*exponent) && std::fabs(*exponent) <= 1074) value = std::exp2(*exponent);
  } else {
    value = parse_double(text);
  }
  if (!value || !std::isfinite(*value) || *value < 0)
    fail_usage("bound '" + std::string(whole) + "': '" + std::string(text) +
               "' is not a size; write a positive number such as 1e-3 or 2^-10");
  return *value;
}

constexpr const char* kinds = "lossless, abs:E, range:E, rel:E, bits:N or none";

}  // namespace

Bound parse_bound(std::string_view text) {
  Bound bound;
  bound.text = std::string(text);
  const auto colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view argument = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (kind == "lossless" || kind == "none") {
    if (colon != std::string_view::npos)
      fail_usage("bound '" + bound.text + "': " + std::string(kind) + " takes no value");
    bound.kind = kind == "none" ? BoundKind::None : BoundKind::Lossless;
  } else if (kind == "abs" || kind == "range" || kind == "rel") {
    bound.kind = kind == "abs" ? BoundKind::Abs : kind == "range" ? BoundKind::Range : BoundKind::Rel;
    bound.value = parse_epsilon(argument, text);
  } else if (kind == "bits") {
    bound.kind = BoundKind::Bits;
    const auto n = parse_u64(argument);
    if (!n || *n > 52) fail_usage("bound '" + bound.text + "': bits takes a whole number from 0 to 52");
    bound.value = static_cast<double>(*n);
  } else {
    fail_usage("unknown bound '" + bound.text + "': write " + kinds);
  }
  return bound;
}

BoundRule parse_bound_rule(std::string_view text) {
  BoundRule rule;
  const auto equals = text.rfind('=');
  if (equals == std::string_view::npos) {
    rule.bound = parse_bound(text);
    return rule;
  }
  rule.glob = std::string(text.substr(0, equals));
  if (rule.glob.empty())
    fail_usage("bound '" + std::string(text) + "': nothing stands before '='; write 'GLOB=KIND:VALUE'");
  rule.bound = parse_bound(text.substr(equals + 1));
  return rule;
}

std::vector<ResolvedBound> resolve_bounds(const std::vector<BoundRule>& rules, const Schema& schema,
                                          const std::vector<ColumnStatistics>& statistics) {
  for (const BoundRule& rule : rules) {
    const bool used = std::any_of(schema.columns.begin(), schema.columns.end(), [&](const ColumnInfo& c) {
      return c.name == rule.glob || glob_match(rule.glob, c.name);
    });
    if (!used && rule.glob != "*")
      fail_usage("bound '" + rule.glob + "=" + rule.bound.text + "': no column has that name");
  }
  std::vector<ResolvedBound> resolved;
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const ColumnInfo& column = schema.columns[c];
    const ColumnStatistics& s = statistics[c];
    const BoundRule* chosen = nullptr;
    for (const BoundRule& rule : rules)
      if (column.name == rule.glob || glob_match(rule.glob, column.name)) chosen = &rule;
    ResolvedBound r;
    r.requested = chosen != nullptr ? chosen->bound.text : "lossless";
    if (chosen != nullptr && chosen->bound.kind != BoundKind::Lossless) {
      const Bound& bound = chosen->bound;
      const bool named = chosen->glob == column.name || !has_glob_characters(chosen->glob);
      r.kind = bound.kind;
      if (bound.kind == BoundKind::Range) {
        r.kind = BoundKind::Abs;
        r.epsilon = bound.value * (s.maximum - s.minimum);
      } else if (bound.kind == BoundKind::Bits) {
        r.mantissa_bits = static_cast<int>(bound.value);
      } else {
        r.epsilon = bound.value;
      }
      const bool exact_anyway = column.dtype.kind == ScalarKind::Bool ||
                                (!column.dtype.is_float() && (r.kind == BoundKind::Rel || r.kind == BoundKind::Bits)) ||
                                (s.whole_numbers && !named);
      const bool vacuous =
          (r.kind == BoundKind::Abs || r.kind == BoundKind::Rel) && (!(r.epsilon > 0) || !std::isfinite(r.epsilon));
      if (r.kind != BoundKind::None && (exact_anyway || vacuous)) {
        r.kind = BoundKind::Lossless;
        r.epsilon = 0;
        r.mantissa_bits = 0;
      }
    }
    resolved.push_back(std::move(r));
  }
  return resolved;
}

}  // namespace haywatt
