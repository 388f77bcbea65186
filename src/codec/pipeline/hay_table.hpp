/// A .hay file with its decoder: chunks read, checked, decoded and corrected.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "haywatt/codec/hay_file.hpp"

namespace haywatt {

/// Thread-safe. Error(Unavailable) if the file's method is not there, Error(BadInput) on damage.
class HayTable {
 public:
  explicit HayTable(const std::string& path);
  [[nodiscard]] const HayReader& file() const { return file_; }
  [[nodiscard]] const Schema& schema() const { return file_.header().schema; }
  [[nodiscard]] std::uint64_t chunks() const { return file_.header().chunks(); }
  /// Chunk k with the wanted columns decoded. Spans: read-back, decode. Reads only the streams needed.
  [[nodiscard]] Chunk decode_chunk(std::uint64_t k, const std::vector<bool>& wanted) const;

 private:
  HayReader file_;
  TableContext context_;
  std::unique_ptr<Decoder> decoder_;
};

/// Rows [first, last) (of the table) of the chosen columns of a decoded chunk, as a chunk whose first_row counts from
/// `origin`.
[[nodiscard]] Chunk slice(const Schema& schema, const Chunk& chunk, std::uint64_t first, std::uint64_t last,
                          const std::vector<std::uint32_t>& columns, std::uint64_t origin);

}  // namespace haywatt
