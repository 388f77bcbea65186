#include <algorithm>

#include "data/csv_header.hpp"
#include "data/npy_header.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/data/schema.hpp"

namespace haywatt {
namespace {

using data::quoted_name;

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(), [&name](const std::string& g) { return glob_match(g, name); });
}

/// Shrinks the array of names to the items `kept`, in the same dtype.
void select_names(SourceArray& names, const std::vector<std::uint32_t>& kept) {
  const data::Descr type = data::parse_descr(names.descr);
  const auto item = static_cast<std::size_t>(type.item_bytes);
  const std::uint64_t before = names.shape.at(0);
  names.shape = {kept.size()};
  if (names.raw.empty() || kept.size() == before) return;
  const std::size_t old_header = names.raw.size() - static_cast<std::size_t>(before) * item;
  ByteVector raw;
  const std::string header = data::make_npy_header(names.descr, names.fortran_order, names.shape);
  const ByteSpan header_bytes = as_byte_span(header);
  raw.insert(raw.end(), header_bytes.begin(), header_bytes.end());
  for (const std::uint32_t k : kept) {
    const ByteSpan one = ByteSpan(names.raw).subspan(old_header + k * item, item);
    raw.insert(raw.end(), one.begin(), one.end());
  }
  names.raw = std::move(raw);
}

}  // namespace

Schema select(const Schema& s, const std::string& globs, std::uint64_t first, std::uint64_t last,
              std::vector<std::uint32_t>& kept) {
  if (first > last) fail_usage("rows " + std::to_string(first) + ":" + std::to_string(last) + " end before they begin");
  const std::vector<std::string> patterns = split(globs, ',');
  kept.clear();
  for (std::size_t i = 0; i < s.columns.size(); ++i) {
    if (matches_any(patterns, s.columns[i].name)) kept.push_back(static_cast<std::uint32_t>(i));
  }
  if (kept.empty() && !s.columns.empty()) fail_usage("no column matches " + quoted_name(globs));

  Schema out;
  out.format = s.format;
  std::vector<std::vector<std::uint32_t>> of_array(s.arrays.size());  // source columns kept of each array
  for (const std::uint32_t k : kept) of_array.at(s.columns[k].source_array).push_back(s.columns[k].source_column);
  const auto table =
      std::find_if(s.arrays.begin(), s.arrays.end(), [](const SourceArray& a) { return a.role == ArrayRole::Table; });
  const std::vector<std::uint32_t> none;
  const auto& of_table = table == s.arrays.end() ? none : of_array[static_cast<std::size_t>(table - s.arrays.begin())];

  std::vector<std::uint32_t> new_index(s.arrays.size(), 0);
  for (std::size_t i = 0; i < s.arrays.size(); ++i) {
    const bool whole = s.arrays[i].role == ArrayRole::Carried;
    const bool names = s.arrays[i].role == ArrayRole::Names;
    if (!whole && (names ? of_table.empty() : of_array[i].empty())) continue;
    new_index[i] = static_cast<std::uint32_t>(out.arrays.size());
    SourceArray a = s.arrays[i];
    if (names) {
      select_names(a, of_table);
    } else if (!whole) {
      a.shape.at(0) = std::min(a.shape[0], last) - std::min(a.shape[0], first);
      if (a.role == ArrayRole::Table) a.shape.at(1) = of_array[i].size();
    }
    out.arrays.push_back(std::move(a));
  }
  std::vector<std::uint32_t> next_column(s.arrays.size(), 0);
  for (const std::uint32_t k : kept) {
    ColumnInfo c = s.columns[k];
    c.rows = std::min(c.rows, last) - std::min(c.rows, first);
    c.source_column = next_column[c.source_array]++;
    c.source_array = new_index[c.source_array];
    out.columns.push_back(std::move(c));
  }
  if (!s.csv_header.empty()) out.csv_header = data::select_csv_header(s.csv_header, kept);
  return out;
}

}  // namespace haywatt
