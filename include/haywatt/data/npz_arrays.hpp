/// The arrays of an .npz by key, as numpy's load gives them: whole rows in C order, not split into columns. For formats
/// that are made of such arrays (Baler's); tables are read by haywatt/data/table_io.hpp.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/data/column.hpp"
#include "haywatt/data/table_io.hpp"

namespace haywatt {

/// Thread-safe.
class NpzArrays {
 public:
  struct Array {
    std::string key;
    bool text = false;  ///< strings (names) instead of numbers
    DType dtype;        ///< numbers only
    std::vector<std::uint64_t> shape;
    [[nodiscard]] std::uint64_t rows() const { return shape.empty() ? 1 : shape[0]; }
    [[nodiscard]] std::uint64_t values_per_row() const;
  };

  /// Error(BadInput) on damage or object arrays, as open_table. All checksums are checked here.
  explicit NpzArrays(const std::string& path, const ReadOptions& options = {});
  ~NpzArrays();
  NpzArrays(const NpzArrays&) = delete;
  NpzArrays& operator=(const NpzArrays&) = delete;

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] bool has(const std::string& key) const;
  /// Error(BadInput) if there is none.
  [[nodiscard]] const Array& array(const std::string& key) const;
  /// Rows [first, first + rows), which must exist: values in C order, little-endian. Numbers only.
  [[nodiscard]] ByteVector read(const std::string& key, std::uint64_t first, std::uint64_t rows) const;
  [[nodiscard]] ByteVector read_all(const std::string& key) const;
  /// A whole array of numbers as doubles.
  [[nodiscard]] std::vector<double> doubles(const std::string& key) const;
  /// The items of an array of strings as UTF-8.
  [[nodiscard]] std::vector<std::string> strings(const std::string& key) const;
  /// The array as a complete .npy, to be copied as it is. At most 256 MiB, else Error(BadInput).
  [[nodiscard]] ByteVector npy(const std::string& key) const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

/// Writes an .npz array after array, rows as they come; laid out as numpy.savez (stored) or numpy.savez_compressed
/// (deflated) do. Nothing appears at the path before commit(). Not thread-safe.
class NpzFileWriter {
 public:
  enum class Packing { Stored, Deflated };
  NpzFileWriter(const std::string& path, Packing packing, AtomicFile::Existing existing);
  ~NpzFileWriter();
  NpzFileWriter(const NpzFileWriter&) = delete;
  NpzFileWriter& operator=(const NpzFileWriter&) = delete;

  /// Begins the next array; the one before must be complete. `packing` overrides that of the file.
  void begin(const std::string& key, const DType& type, const std::vector<std::uint64_t>& shape,
             std::optional<Packing> packing = std::nullopt);
  /// The next values of it, C order.
  void write(ByteSpan values);
  /// The same for values whose deflated form was made by deflate_piece() elsewhere; Deflated arrays only.
  void write_packed(ByteSpan values, ByteSpan packed);
  /// A whole array given as a complete .npy.
  void copy(const std::string& key, ByteSpan npy);
  /// How the current array is packed.
  [[nodiscard]] Packing packing() const;
  [[nodiscard]] std::uint64_t bytes() const;  ///< written so far
  /// Writes what is left; the file is whole but has no name yet.
  void finish();
  /// Gives it its name; finishes first if that was not done.
  void commit();

  /// A piece of a deflate stream that ends on a byte border, so that pieces made by several threads can be joined.
  [[nodiscard]] static ByteVector deflate_piece(ByteSpan values);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace haywatt
