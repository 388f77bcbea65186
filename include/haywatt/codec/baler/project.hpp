/// Projects of Baler: what its folder of a trained model holds, in one object and one file (.hayb,
/// docs/format-hayb.md).
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/codec/baler/dense_inference.hpp"
#include "haywatt/data/column.hpp"

namespace haywatt::baler {

/// Shape of one row's values between layers. Dense: {n, 1, 1}.
struct Shape {
  std::uint32_t channels = 0, height = 1, width = 1;
  [[nodiscard]] std::uint64_t values() const { return std::uint64_t{channels} * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// One step of a network. Values of a row lie channel by channel, row by row (C order), as torch's.
struct Layer {
  enum class Kind : std::uint8_t {
    Linear,     ///< weight (out, in), bias (out); shapes are flattened
    LeakyRelu,  ///< slope for negative values
    Relu,
    Affine,         ///< a channel's x * weight + bias: BatchNorm with its running statistics
    Conv,           ///< weight (out, in, kernel, kernel), bias (out)
    ConvTranspose,  ///< weight (in, out, kernel, kernel), bias (out)
    Gdn,            ///< x_i / sqrt(bias_i + sum_j weight_ij x_j^2) over the channels of a pixel
    InverseGdn,     ///< x_i * that root
  };
  Kind kind = Kind::Linear;
  Shape in, out;
  std::array<std::uint32_t, 2> kernel = {1, 1};  ///< height, width
  std::uint32_t stride = 1, padding = 0;         ///< the same in both directions
  double slope = 0.01;
  std::vector<double> weight, bias;
};

/// What Baler's config says that compressing and decompressing need.
struct ProjectSettings {
  std::uint32_t data_dimension = 1;  ///< 1: rows x columns, 2: frames of height x width
  std::uint64_t batch_size = 512;    ///< key of the corrections' index
  bool apply_normalization = false, custom_norm = false, extra_compression = false;
  bool error_bounded = false;            ///< save_error_bounded_deltas
  double error_bound_percent = 0.0;      ///< error_bounded_requirement
  std::array<std::uint32_t, 2> block{};  ///< convert_to_blocks: height, width; 0: none
  std::vector<std::string> type_list;    ///< a numpy type name a column, or empty
};

struct ProjectModel {
  std::string model_name;  ///< Baler's class: "AE"
  bool float32 = false;    ///< what the network computes in and latents are stored as
  bool convolutional = false;
  std::vector<Layer> encoder, decoder;
  ProjectSettings settings;
  DType range_type;                            ///< of the training range: f2, f4, f8 or an integer
  std::vector<double> minimum, range;          ///< of the training data, a feature each; empty if there are none
  std::array<std::uint32_t, 2> frame{};        ///< height, width of an image before it is cut into blocks; 0: unknown
  std::vector<std::string> names;              ///< of the columns, as far as known
  std::map<std::string, std::string> sources;  ///< file name -> "xxh3:…" of what was imported

  [[nodiscard]] std::uint64_t features() const { return encoder.front().in.values(); }
  [[nodiscard]] std::uint64_t latent() const { return encoder.back().out.values(); }
  [[nodiscard]] std::uint64_t parameters() const;
  [[nodiscard]] std::uint64_t macs_encode_per_row() const;  ///< multiply-accumulates of linear layers and convolutions
  [[nodiscard]] std::uint64_t macs_decode_per_row() const;
};

/// Reads a project's folder (config/, output/) without running anything in it. `frame` (height, width; 0: not given)
/// tells the size of images where the folder does not. `notes` receives what the user should know, a line each.
/// Error(BadInput), one line, for code, wrong shapes, missing layers, weights that are not finite.
[[nodiscard]] ProjectModel import_project(const std::string& folder, std::array<std::uint32_t, 2> frame,
                                          std::vector<std::string>& notes);

/// docs/format-hayb.md. Error(BadInput) on damage.
void write_hayb(const std::string& path, const ProjectModel& model, AtomicFile::Existing existing);
[[nodiscard]] ProjectModel read_hayb(const std::string& path);
/// Whether the file begins as a .hayb does.
[[nodiscard]] bool is_hayb(const std::string& path);

/// A half of a network as Linear layers with an activation each (BatchNorm goes into a neighbour), as DenseInference
/// runs them; nothing if it has other layers. They must have passed check_layers.
[[nodiscard]] std::optional<std::vector<DenseLayer>> dense_layers(const std::vector<Layer>& layers);
/// The precision that the model was trained in.
[[nodiscard]] inline Arithmetic own_arithmetic(const ProjectModel& model) {
  return model.float32 ? Arithmetic::Float32 : Arithmetic::Float64;
}

/// Checks that layers follow each other, weights fit them and are finite. Error(BadInput), the line starting with
/// `what`. Readers call it; whoever builds a model by hand should.
void check_layers(const std::vector<Layer>& layers, const std::string& what);

}  // namespace haywatt::baler
