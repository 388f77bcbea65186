#include "codec/baler/project/model_classes.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "codec/baler/project/layers.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

using Kind = Layer::Kind;

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

/// Adds layers to one half of a model, taking weights by name.
class Builder {
 public:
  Builder(const Tensors& tensors, std::vector<Layer>& layers, const Shape& input = {})
      : tensors_(tensors), layers_(layers), shape_(input) {}

  /// As wide as its weight says; the first layer's input is what the weight takes.
  Builder& linear(const std::string& name) {
    const auto shape = tensors_.shape(name + ".weight");
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0 || shape[0] > UINT32_MAX || shape[1] > UINT32_MAX)
      fail_shape(name + ".weight", shape, "two sizes, outputs and inputs");
    if (shape_.channels != 0 && shape[1] != shape_.values())
      fail_shape(name + ".weight", shape, std::to_string(shape_.values()) + " inputs, which the layer before has");
    Layer l = linear_layer(static_cast<std::uint32_t>(shape[1]), static_cast<std::uint32_t>(shape[0]));
    if (shape_.channels != 0) l.in = shape_;
    l.weight = tensors_.values(name + ".weight", shape);
    l.bias = tensors_.values(name + ".bias", {shape[0]});
    return add(std::move(l));
  }
  Builder& relu() { return add(elementwise_layer(Kind::Relu, shape_)); }
  Builder& leaky(double slope = 0.01) { return add(elementwise_layer(Kind::LeakyRelu, shape_, slope)); }
  /// BatchNorm with its running statistics; eps is torch's default.
  Builder& batch_norm(const std::string& name) {
    const std::vector<std::uint64_t> channels = {shape_.channels};
    Layer l = elementwise_layer(Kind::Affine, shape_);
    l.weight = tensors_.values(name + ".weight", channels);
    l.bias = tensors_.values(name + ".bias", channels);
    const auto mean = tensors_.values(name + ".running_mean", channels);
    const auto variance = tensors_.values(name + ".running_var", channels);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      constexpr double eps = 1e-5;
      if (!(variance[i] + eps > 0.0))
        fail_input(tensors_.path(name + ".running_var") + ": tensor " + data::quoted_name(name + ".running_var") +
                   " holds a negative variance");
      l.weight[i] /= std::sqrt(variance[i] + eps);
      l.bias[i] -= mean[i] * l.weight[i];
    }
    return add(std::move(l));
  }
  Builder& conv(const std::string& name, std::uint32_t outputs, std::array<std::uint32_t, 2> kernel,
                std::uint32_t stride, std::uint32_t padding) {
    Layer l = conv_layer(shape_, outputs, kernel, stride, padding);
    l.weight = tensors_.values(name + ".weight", {outputs, shape_.channels, kernel[0], kernel[1]});
    l.bias = tensors_.values(name + ".bias", {outputs});
    return add(std::move(l));
  }
  Builder& conv_transpose(const std::string& name, std::uint32_t outputs, std::array<std::uint32_t, 2> kernel,
                          std::uint32_t stride, std::uint32_t padding, std::uint32_t output_padding) {
    Layer l = conv_transpose_layer(shape_, outputs, kernel, stride, padding, output_padding);
    l.weight = tensors_.values(name + ".weight", {shape_.channels, outputs, kernel[0], kernel[1]});
    l.bias = tensors_.values(name + ".bias", {outputs});
    return add(std::move(l));
  }
  /// Baler's reparametrisation: beta and gamma are stored as roots, kept above a bound.
  Builder& gdn(const std::string& name, Kind kind) {
    const std::uint64_t c = shape_.channels;
    constexpr double pedestal = 0x1p-36;
    Layer l = elementwise_layer(kind, shape_);
    l.weight = tensors_.values(name + ".gamma", {c, c});
    l.bias = tensors_.values(name + ".beta", {c});
    for (double& g : l.weight) g = std::max(g, 0x1p-18) * std::max(g, 0x1p-18) - pedestal;
    const double least = std::sqrt(1e-6 + pedestal);
    for (double& b : l.bias) b = std::max(b, least) * std::max(b, least) - pedestal;
    return add(std::move(l));
  }
  Builder& reshape(const Shape& shape) {
    if (shape.values() != shape_.values())
      fail_input("the model's images do not fit its linear layers: " + std::to_string(shape_.values()) +
                 " values are to become " + std::to_string(shape.channels) + " x " + std::to_string(shape.height) +
                 " x " + std::to_string(shape.width));
    shape_ = shape;
    return *this;
  }
  [[nodiscard]] const Shape& shape() const { return shape_; }

 private:
  Builder& add(Layer l) {
    if (l.out.values() == 0)
      fail_input("the model's images of " + std::to_string(shape_.height) + " x " + std::to_string(shape_.width) +
                 " are too small for its convolutions");
    shape_ = l.out;
    layers_.push_back(std::move(l));
    return *this;
  }
  [[noreturn]] void fail_shape(const std::string& name, const std::vector<std::uint64_t>& shape,
                               const std::string& wanted) const {
    fail_input(tensors_.path(name) + ": tensor " + data::quoted_name(name) + " has shape " + shape_text(shape) +
               " instead of " + wanted);
  }

  const Tensors& tensors_;
  std::vector<Layer>& layers_;
  Shape shape_;
};

struct Task {
  const Tensors& tensors;
  const ImageHints& hints;
  ProjectModel& model;
  std::vector<std::string>& notes;
};

void build_ae(const Task& t) {
  Builder encoder(t.tensors, t.model.encoder), decoder(t.tensors, t.model.decoder);
  encoder.linear("en1").leaky().linear("en2").leaky().linear("en3").leaky().linear("en4");
  decoder.linear("de1").leaky().linear("de2").leaky().linear("de3").leaky().linear("de4");
}

void build_dropout_bn(const Task& t) {
  Builder encoder(t.tensors, t.model.encoder), decoder(t.tensors, t.model.decoder);
  for (const char* name : {"enc_nn.0", "enc_nn.3", "enc_nn.6", "enc_nn.9"}) encoder.linear(name).leaky();
  decoder.linear("dec_nn.0").leaky().batch_norm("dec_nn.2");
  decoder.linear("dec_nn.3").leaky().batch_norm("dec_nn.5");
  decoder.linear("dec_nn.6").leaky().batch_norm("dec_nn.8");
  decoder.linear("dec_nn.9").batch_norm("dec_nn.10").relu();
  t.notes.emplace_back(
      "Baler itself cannot decompress AE_Dropout_BN (it takes the length of the model's last tensor, a number); "
      "haywatt does");
}

void build_fpga(const Task& t) {
  Builder encoder(t.tensors, t.model.encoder), decoder(t.tensors, t.model.decoder);
  encoder.linear("en1").relu().linear("en2").relu().linear("en3");
  decoder.linear("de1").relu().linear("de2").relu().linear("de3");
}

/// The image between convolutions and linear layers: from final_layer.npy, else from the frame. The convolutions of
/// Conv_AE take 1 row and 4 columns off it.
Shape inner_image(const Task& t) {
  const auto& [channels, height, width] = t.hints.final_layer;
  if (channels != 0) return {channels, height, width};
  const auto& [frame_height, frame_width] = t.hints.frame;
  if (frame_height < 2 || frame_width < 5)
    fail_input(
        "the size of the images is unknown (no final_layer.npy, no input file): give it with --frame HEIGHTxWIDTH");
  return {32, frame_height - 1, frame_width - 4};
}

void build_conv(const Task& t, bool gdn) {
  const Shape inner = inner_image(t);
  const Shape image = {1, inner.height + 1, inner.width + 4};
  Builder encoder(t.tensors, t.model.encoder, image);
  const auto between = [gdn](Builder& b, const std::string& name, Kind kind) {
    if (gdn) {
      b.gdn(name, kind);
    } else {
      b.relu();
    }
  };
  encoder.conv("q_z_conv.0", 8, {2, 5}, 1, 1);
  between(encoder, "q_z_conv.1", Kind::Gdn);
  encoder.conv("q_z_conv.2", 16, {3, 3}, 1, 1).batch_norm("q_z_conv.3");
  between(encoder, "q_z_conv.4", Kind::Gdn);
  encoder.conv("q_z_conv.5", 32, {3, 3}, 1, 0);
  between(encoder, "q_z_conv.6", Kind::Gdn);
  encoder.linear("q_z_lin.0").relu().linear("q_z_lin.2").relu();

  Builder decoder(t.tensors, t.model.decoder);
  decoder.linear("p_x_lin.0").relu().linear("p_x_lin.2").relu().reshape(inner);
  decoder.conv_transpose("p_x_conv.0", 16, {3, 3}, 1, 0, 0);
  if (!gdn) decoder.batch_norm("p_x_conv.1");
  between(decoder, "p_x_conv.1", Kind::InverseGdn);
  decoder.conv_transpose(gdn ? "p_x_conv.2" : "p_x_conv.3", 8, {3, 3}, 1, 1, 0);
  if (!gdn) decoder.batch_norm("p_x_conv.4");
  between(decoder, "p_x_conv.3", Kind::InverseGdn);
  decoder.conv_transpose(gdn ? "p_x_conv.4" : "p_x_conv.6", 1, {2, 5}, 1, 1, 0);
  t.notes.push_back("Baler itself decompresses " + t.model.model_name +
                    " only if every batch is as large as the last one of the training; haywatt has no such limit");
}

void build_pj(const Task& t) {
  Builder encoder(t.tensors, t.model.encoder, {1, 28, 28});
  encoder.conv("encoder.0", 20, {5, 5}, 2, 2).leaky(0.2).conv("encoder.2", 50, {5, 5}, 2, 2);
  encoder.linear("encoder.4").linear("encoder.5");
  Builder decoder(t.tensors, t.model.decoder);
  decoder.linear("decoder.0").leaky(0.2).linear("decoder.2").reshape({50, 7, 7});
  decoder.conv_transpose("decoder.4", 20, {5, 5}, 2, 2, 1).conv_transpose("decoder.5", 1, {5, 5}, 2, 2, 1).leaky(0.2);
}

/// Its shapes are checked, so that a damaged file is told from a whole one; then it is refused.
[[noreturn]] void refuse_conv_3d(const Task& t) {
  const std::vector<std::vector<std::uint64_t>> shapes = {{4, 1, 1, 3, 5},   {8, 4, 3, 3, 3},   {16, 8, 3, 3, 3},
                                                          {32, 16, 3, 3, 3}, {64, 32, 3, 3, 3}, {64, 64, 1, 3, 3}};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::string name = "q_z_conv." + std::to_string(2 * i) + ".weight";
    const auto shape = t.tensors.shape(name);
    if (shape != shapes[i])
      fail_input(t.tensors.path(name) + ": tensor " + data::quoted_name(name) + " has shape " + shape_text(shape) +
                 " instead of " + shape_text(shapes[i]));
  }
  fail_unavailable(t.tensors.path("q_z_conv.0.weight") +
                   " is a Conv_AE_3D (2.45 billion weights, only for 60 frames of 50 x 50); Baler itself can neither "
                   "save nor decode it, and haywatt does not run it: train another model");
}

struct Class {
  std::string name;
  bool float32, convolutional;
  std::function<void(const Task&)> build;
};

const std::vector<Class>& classes() {
  static const std::vector<Class> known = {
      {"AE", false, false, build_ae},
      {"CFD_dense_AE", true, false, build_ae},
      {"AE_Dropout_BN", false, false, build_dropout_bn},
      {"FPGA_prototype_model", false, false, build_fpga},
      {"Conv_AE", true, true, [](const Task& t) { build_conv(t, false); }},
      {"Conv_AE_GDN", true, true, [](const Task& t) { build_conv(t, true); }},
      {"PJ_Conv_AE", true, true, build_pj},
      {"Conv_AE_3D", true, true, [](const Task& t) { refuse_conv_3d(t); }},
  };
  return known;
}

}  // namespace

Tensors::Found Tensors::find(const std::string& name) const {
  for (const auto& [file, prefix] : {std::pair(encoder_, &encoder_prefix_), std::pair(decoder_, &decoder_prefix_)}) {
    if (!name.starts_with(*prefix)) continue;
    if (const TensorPlace* t = file->find(name.substr(prefix->size()))) return {file, t};
  }
  const StateDict* file = !decoder_prefix_.empty() && name.starts_with(decoder_prefix_) ? decoder_ : encoder_;
  fail_input(file->path() + " misses the tensor " + data::quoted_name(name) + " that its class has");
}

std::vector<std::uint64_t> Tensors::shape(const std::string& name) const { return find(name).tensor->shape; }
TensorType Tensors::type(const std::string& name) const { return find(name).tensor->type; }
const std::string& Tensors::path(const std::string& name) const { return find(name).file->path(); }

std::vector<double> Tensors::values(const std::string& name, const std::vector<std::uint64_t>& shape) const {
  const auto [file, tensor] = find(name);
  const std::string what = file->path() + ": tensor " + data::quoted_name(name);
  if (tensor->shape != shape)
    fail_input(what + " has shape " + shape_text(tensor->shape) + " instead of " + shape_text(shape));
  std::vector<double> values = file->values(*tensor);
  const auto bad = std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  if (bad != values.end())
    fail_input(what + " holds " + (std::isnan(*bad) ? "NaN" : "infinity") + " (value " +
               std::to_string(bad - values.begin()) + "): the training failed");
  return values;
}

void build_model(const std::string& model_name, const Tensors& tensors, const ImageHints& hints, ProjectModel& model,
                 std::vector<std::string>& notes) {
  if (model_name == "TransformerAE")
    fail_unavailable(
        "model TransformerAE is not supported: Baler's own command line cannot start it, and it has neither encode nor "
        "decode");
  const auto known =
      std::find_if(classes().begin(), classes().end(), [&](const Class& c) { return c.name == model_name; });
  if (known == classes().end()) {
    std::string names;
    for (const Class& c : classes()) names += (names.empty() ? "" : ", ") + c.name;
    fail_input("model " + data::quoted_name(model_name) + " is no class of Baler's: known are " + names);
  }
  model.model_name = model_name;
  model.float32 = known->float32;
  model.convolutional = known->convolutional;
  known->build({tensors, hints, model, notes});
  check_layers(model.encoder, "the encoder");
  check_layers(model.decoder, "the decoder");
  if (model.decoder.front().in.values() != model.latent() || model.decoder.back().out.values() != model.features())
    fail_input("encoder and decoder do not fit: " + std::to_string(model.features()) + " -> " +
               std::to_string(model.latent()) + " and " + std::to_string(model.decoder.front().in.values()) + " -> " +
               std::to_string(model.decoder.back().out.values()));
}

}  // namespace haywatt::baler
