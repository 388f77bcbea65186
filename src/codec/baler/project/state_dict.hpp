/// torch.save(state_dict): tensors by name, read without running anything.
/// Source: the ZIP layout and pickle that torch 1.6 to 2.15 write (torch/serialization.py, caffe2/serialize).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/byte_source.hpp"
#include "haywatt/base/bytes.hpp"

namespace haywatt::baler {

enum class TensorType : std::uint8_t { Float64, Float32, Float16, BFloat16, Int64, Int32 };

/// Where a tensor's numbers lie.
struct TensorPlace {
  std::string name;  ///< "en1.weight"
  TensorType type = TensorType::Float32;
  std::vector<std::uint64_t> shape, strides;  ///< strides in values
  std::uint64_t offset = 0;                   ///< of the first value in its storage, in values
  std::string storage;                        ///< key of the storage
};

/// A model.pt. Thread-safe. The directory and the pickle are read and checked when it is made, tensors when asked for.
class StateDict {
 public:
  /// Error(BadInput), one line: not torch's ZIP form, deflated entries, big-endian, code in the pickle, storages that
  /// are missing or too short.
  explicit StateDict(const std::string& path);
  /// The same for bytes that lie elsewhere; `name` is what messages call them.
  StateDict(std::shared_ptr<const data::ByteSource> bytes, const std::string& name);
  ~StateDict();
  StateDict(StateDict&&) noexcept;
  StateDict& operator=(StateDict&&) = delete;

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const std::vector<TensorPlace>& tensors() const;  ///< in the file's order
  [[nodiscard]] const TensorPlace* find(const std::string& name) const;
  /// All values in C order. Error(BadInput) if the storage's checksum is wrong.
  [[nodiscard]] std::vector<double> values(const TensorPlace& tensor) const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

}  // namespace haywatt::baler
