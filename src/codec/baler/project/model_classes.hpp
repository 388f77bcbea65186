/// Baler's model classes: from a state_dict to layers. Source: docs/baler.md, "Models of a project".
#pragma once
#include <array>
#include <string>
#include <vector>

#include "codec/baler/project/state_dict.hpp"
#include "haywatt/codec/baler/project.hpp"

namespace haywatt::baler {

/// Where the tensors of a model are: one model.pt, or encoder.pt and decoder.pt, whose names lack a prefix.
class Tensors {
 public:
  explicit Tensors(const StateDict& whole) : encoder_(&whole), decoder_(&whole) {}
  Tensors(const StateDict& encoder, const std::string& encoder_prefix, const StateDict& decoder,
          const std::string& decoder_prefix)
      : encoder_(&encoder), decoder_(&decoder), encoder_prefix_(encoder_prefix), decoder_prefix_(decoder_prefix) {}

  /// The shape of a tensor; Error(BadInput) "misses the layer …" if there is none.
  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& name) const;
  /// Its values; Error(BadInput) unless it has this shape and all values are finite.
  [[nodiscard]] std::vector<double> values(const std::string& name, const std::vector<std::uint64_t>& shape) const;
  [[nodiscard]] TensorType type(const std::string& name) const;
  [[nodiscard]] const std::string& path(const std::string& name) const;

 private:
  struct Found {
    const StateDict* file;
    const TensorPlace* tensor;
  };
  [[nodiscard]] Found find(const std::string& name) const;
  const StateDict* encoder_;
  const StateDict* decoder_;
  std::string encoder_prefix_, decoder_prefix_;
};

struct ImageHints {
  std::array<std::uint32_t, 2> frame{};        ///< height, width of the network's input; 0: unknown
  std::array<std::uint32_t, 3> final_layer{};  ///< channels, height, width after the encoder's convolutions; 0: unknown
};

/// Fills model_name, float32, convolutional, encoder and decoder. Error(BadInput) for shapes that do not fit the class,
/// Error(Unavailable) for classes that are refused by name. `notes` receives what Baler itself cannot do with it.
void build_model(const std::string& model_name, const Tensors& tensors, const ImageHints& hints, ProjectModel& model,
                 std::vector<std::string>& notes);

}  // namespace haywatt::baler
