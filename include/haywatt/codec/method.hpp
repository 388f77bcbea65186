/// Methods: ways to compress a table. One interface; docs/adding-a-codec.md shows how to add one.
///
/// A Method makes an Encoder (which may first read the whole table and train a model) and, from the model bytes that
/// travel in the file, a Decoder. The pipeline (codec/pipeline.hpp) feeds chunks, decodes every chunk again while
/// encoding, and stores a correction for each value outside its bound: a codec may miss a bound, a file cannot.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/base/bytes.hpp"
#include "haywatt/data/bound.hpp"
#include "haywatt/data/table_io.hpp"

namespace haywatt {

/// "zstd" or "zstd:level=19,…" as the user wrote it.
struct MethodSpec {
  std::string name;                            ///< may itself hold a colon: "hdf5:sz3"
  std::map<std::string, std::string> options;  ///< sorted
  [[nodiscard]] std::string text() const;      ///< canonical: name[:key=value,…]
  static MethodSpec parse(std::string_view text);
};

/// All that an encoder and a decoder both know before the first chunk.
struct TableContext {
  const Schema* schema = nullptr;
  const std::vector<ResolvedBound>* bounds = nullptr;  ///< one per column
};

/// The bytes of one encoded chunk: one stream per column, and streams that several columns need.
struct EncodedChunk {
  std::vector<ByteVector> shared;
  std::vector<ByteVector> columns;
};
struct EncodedChunkView {
  std::uint64_t rows = 0;                  ///< of the chunk
  std::vector<std::uint64_t> column_rows;  ///< of each column in it
  std::vector<ByteSpan> shared;
  std::vector<ByteSpan> columns;  ///< empty where not wanted
};

/// What a method counted about itself, for records: "macs_encode_per_row", "parameters", "epochs", ….
using MethodCounts = std::map<std::string, double>;

class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Called once before encode(); may read the whole table. Returns the model section (may be empty).
  [[nodiscard]] virtual ByteVector prepare(const TableReader& reader, const TableContext& context,
                                           const std::vector<ColumnStatistics>& statistics, int threads) = 0;
  /// Thread-safe after prepare().
  [[nodiscard]] virtual EncodedChunk encode(const Chunk& chunk) const = 0;
  [[nodiscard]] virtual MethodCounts counts() const { return {}; }
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Decodes the columns with wanted[i]; the others stay empty. Error(BadInput) on any damage: never reads or allocates
  /// beyond what the streams and column_rows justify. Thread-safe. Deterministic: the same bits on every machine.
  [[nodiscard]] virtual Chunk decode(const EncodedChunkView& chunk, const std::vector<bool>& wanted) const = 0;
};

struct OptionInfo {
  std::string name, help, default_value;
};

class Method {
 public:
  virtual ~Method() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] virtual bool supports(BoundKind kind) const = 0;
  [[nodiscard]] virtual std::vector<OptionInfo> options() const { return {}; }
  /// Empty if it can run here; else one line: what is missing and how to get it.
  [[nodiscard]] virtual std::string unavailable_reason() const { return {}; }
  /// Version of the library behind it, e.g. "zstd 1.5.4".
  [[nodiscard]] virtual std::string version() const = 0;
  /// Empty if it can code this table; else why not ("baler needs at least two flat columns").
  [[nodiscard]] virtual std::string inapplicable_reason(const Schema&) const { return {}; }
  /// Error(Usage) for unknown options or bad values; Error(Unavailable) if it cannot run here.
  [[nodiscard]] virtual std::unique_ptr<Encoder> make_encoder(const MethodSpec& spec) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Decoder> make_decoder(const TableContext& context, ByteSpan model) const = 0;
};

/// All methods known here, available or not, by name. Built once; thread-safe.
[[nodiscard]] const std::vector<std::unique_ptr<Method>>& all_methods();
/// Error(Usage) listing the known names if there is none of that name.
[[nodiscard]] const Method& find_method(const std::string& name);

/// Error(Usage) if `spec` has an option that the method does not declare.
void check_options(const Method& method, const MethodSpec& spec);

}  // namespace haywatt
