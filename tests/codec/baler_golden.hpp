/// Shared by the tests of baler: golden files, a deterministic generator, tables in memory.
#pragma once
#include <fstream>
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/codec/baler/model.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt::baler::test {

/// The generator of tests/golden/baler/make_training.py.
class Lcg {
 public:
  explicit Lcg(std::uint64_t seed) : x_(seed) {}
  double next() {
    x_ = x_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(x_ >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t x_;
};

template <class T>
std::vector<T> golden_values(const std::string& name) {
  const InputFile file(std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/baler/" + name);
  const ByteVector bytes = file.read_at(0, file.size());
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

/// Weights and biases from U(-1/sqrt(inputs), 1/sqrt(inputs)).
void fill(Model& model, std::uint64_t seed);

/// Columns of values, kept in memory. `add` takes any arithmetic type; `type` may say more (f2, b1).
class MemoryTable final : public TableReader {
 public:
  void add(const std::string& name, const DType& type, ByteVector values, Layout layout = Layout::Flat,
           std::vector<std::uint64_t> inner_shape = {}, std::vector<std::uint64_t> offsets = {});
  template <class T>
  void add(const std::string& name, const DType& type, const std::vector<T>& values) {
    const auto* from = reinterpret_cast<const std::byte*>(values.data());
    add(name, type, ByteVector(from, from + values.size() * sizeof(T)));
  }
  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] Chunk read(std::uint64_t first_row, std::uint64_t rows) const override;
  [[nodiscard]] std::uint64_t file_bytes() const override { return schema_.raw_bytes(); }

 private:
  Schema schema_;
  std::vector<ColumnData> columns_;
};

}  // namespace haywatt::baler::test
