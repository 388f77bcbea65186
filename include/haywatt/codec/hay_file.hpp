/// The .hay file, version 0 (docs/format.md): sections, an index of streams, checksums on everything.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt {

inline constexpr std::uint32_t hay_version = 0;
/// The raw values of one chunk take at most this much, or a mebibyte for each byte of its streams if it is a single
/// row: what a header can make a reader allocate is bounded by what the file holds.
inline constexpr std::uint64_t hay_max_chunk_bytes = std::uint64_t{64} << 20;

struct HayHeader {
  std::string writer;  ///< "haywatt 0.1.0"
  MethodSpec method;
  std::string method_version;
  Schema schema;
  std::vector<ResolvedBound> bounds;  ///< one per column
  std::uint64_t chunk_rows = 0;
  std::uint32_t shared_streams = 0;  ///< in every chunk

  [[nodiscard]] std::uint64_t chunks() const;
  /// Rows of column c in chunk k.
  [[nodiscard]] std::uint64_t column_rows(std::uint64_t k, std::size_t c) const;
  [[nodiscard]] std::uint64_t chunk_raw_bytes(std::uint64_t k) const;
};

/// Where a stream lies. Length 0: the stream is empty and has no place.
struct StreamPlace {
  std::uint64_t offset = 0, length = 0, checksum = 0;
};

/// Streams of one chunk: the method's, and per column the corrections (codec/corrections.hpp).
struct ChunkPlaces {
  std::vector<StreamPlace> shared, columns, corrections;
};

/// Reads and checks everything but the streams on construction; streams are checked as they are read. Thread-safe.
class HayReader {
 public:
  explicit HayReader(const std::string& path);  ///< Error(BadInput) on any damage, or a newer version
  [[nodiscard]] const HayHeader& header() const { return header_; }
  [[nodiscard]] ByteSpan model() const { return model_; }
  /// Free-form facts the writer noted: statistics, errors made, counts.
  [[nodiscard]] const nlohmann::json& notes() const { return notes_; }
  [[nodiscard]] const ChunkPlaces& places(std::uint64_t chunk) const { return index_[chunk]; }
  [[nodiscard]] ByteVector read_stream(const StreamPlace& place) const;
  [[nodiscard]] std::uint64_t file_bytes() const { return file_.size(); }
  [[nodiscard]] const std::string& path() const { return file_.path(); }
  /// (name, bytes) of each section, in file order.
  [[nodiscard]] const std::vector<std::pair<std::string, std::uint64_t>>& sections() const { return sections_; }

 private:
  void read_sections();
  InputFile file_;
  HayHeader header_;
  ByteVector model_;
  nlohmann::json notes_;
  std::vector<ChunkPlaces> index_;
  std::vector<std::pair<std::string, std::uint64_t>> sections_;
};

/// Writes a .hay file; nothing appears under `path` before finish().
class HayWriter {
 public:
  HayWriter(const std::string& path, AtomicFile::Existing existing, HayHeader header, ByteSpan model);
  /// Chunks may come in any order and from several threads.
  void write_chunk(std::uint64_t chunk, const EncodedChunk& streams, const std::vector<ByteVector>& corrections);
  /// Returns the size of the file.
  std::uint64_t finish(const nlohmann::json& notes);

 private:
  void write_section(const char* type, ByteSpan payload);
  AtomicFile file_;
  HayHeader header_;
  std::vector<ChunkPlaces> index_;
  ByteVector section_heads_;
  std::uint64_t data_section_ = 0;
};

}  // namespace haywatt
