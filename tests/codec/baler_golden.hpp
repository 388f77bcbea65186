/// Shared by the tests of baler: golden files and a deterministic generator.
#pragma once
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/codec/baler/model.hpp"
#include "haywatt_test_paths.hpp"

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

}  // namespace haywatt::baler::test
