#include "codec/container/header_json.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

struct KindName {
  BoundKind kind;
  const char* name;
};
// Range never reaches a file: it was resolved to abs.
constexpr std::array<KindName, 5> kind_names = {{{BoundKind::Lossless, "lossless"},
                                                 {BoundKind::Abs, "abs"},
                                                 {BoundKind::Rel, "rel"},
                                                 {BoundKind::Bits, "bits"},
                                                 {BoundKind::None, "none"}}};

nlohmann::json bound_to_json(const ResolvedBound& b) {
  const auto* name =
      std::find_if(kind_names.begin(), kind_names.end(), [&](const KindName& k) { return k.kind == b.kind; });
  nlohmann::json j{{"kind", name->name}, {"requested", b.requested}};
  if (b.kind == BoundKind::Abs || b.kind == BoundKind::Rel) j["epsilon"] = b.epsilon;
  if (b.kind == BoundKind::Bits) j["mantissa_bits"] = b.mantissa_bits;
  return j;
}

ResolvedBound bound_from_json(const nlohmann::json& j) {
  const auto kind = j.at("kind").get<std::string>();
  const auto* name =
      std::find_if(kind_names.begin(), kind_names.end(), [&](const KindName& k) { return kind == k.name; });
  if (name == kind_names.end()) fail_input("unknown kind of bound '" + kind + "'");
  ResolvedBound b;
  b.kind = name->kind;
  b.requested = j.at("requested").get<std::string>();
  if (b.kind == BoundKind::Abs || b.kind == BoundKind::Rel) b.epsilon = j.at("epsilon").get<double>();
  if (b.kind == BoundKind::Bits) b.mantissa_bits = j.at("mantissa_bits").get<int>();
  if (!std::isfinite(b.epsilon) || b.epsilon < 0 || b.mantissa_bits < 0 || b.mantissa_bits > 52)
    fail_input("a bound is out of range");
  return b;
}

}  // namespace

nlohmann::json header_to_json(const HayHeader& h) {
  nlohmann::json bounds = nlohmann::json::array();
  for (const ResolvedBound& b : h.bounds) bounds.push_back(bound_to_json(b));
  return {{"writer", h.writer},
          {"method", {{"name", h.method.name}, {"options", h.method.options}, {"version", h.method_version}}},
          {"schema", h.schema},
          {"bounds", std::move(bounds)},
          {"chunk_rows", h.chunk_rows},
          {"shared_streams", h.shared_streams}};
}

HayHeader header_from_json(const nlohmann::json& j) {
  HayHeader h;
  h.writer = j.at("writer").get<std::string>();
  const auto& method = j.at("method");
  h.method.name = method.at("name").get<std::string>();
  h.method.options = method.at("options").get<std::map<std::string, std::string>>();
  h.method_version = method.at("version").get<std::string>();
  h.schema = j.at("schema").get<Schema>();
  for (const auto& b : j.at("bounds")) h.bounds.push_back(bound_from_json(b));
  h.chunk_rows = j.at("chunk_rows").get<std::uint64_t>();
  h.shared_streams = j.at("shared_streams").get<std::uint32_t>();
  if (h.bounds.size() != h.schema.columns.size()) fail_input("bounds and columns differ in number");
  if (h.chunk_rows == 0) fail_input("chunk_rows is 0");
  if (h.shared_streams > 1024) fail_input("more than 1,024 shared streams");
  return h;
}

std::uint64_t HayHeader::chunks() const {
  const std::uint64_t rows = schema.rows();
  return rows / chunk_rows + (rows % chunk_rows != 0 ? 1 : 0);
}

std::uint64_t HayHeader::column_rows(std::uint64_t k, std::size_t c) const {
  const std::uint64_t first = k * chunk_rows;
  const std::uint64_t rows = schema.columns[c].rows;
  return first >= rows ? 0 : std::min(chunk_rows, rows - first);
}

std::uint64_t HayHeader::chunk_raw_bytes(std::uint64_t k) const {
  std::uint64_t bytes = 0;
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const ColumnInfo& column = schema.columns[c];
    std::uint64_t column_bytes = 0;
    if (__builtin_mul_overflow(column_rows(k, c), column.values_per_row() * column.dtype.size, &column_bytes) ||
        __builtin_add_overflow(bytes, column_bytes, &bytes))
      return UINT64_MAX;
  }
  return bytes;
}

}  // namespace haywatt
