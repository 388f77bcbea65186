#include "cli/baler_libtorch_files.hpp"

#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/project.hpp"
#include "haywatt/data/npz_arrays.hpp"

namespace haywatt::cli {
namespace {

using baler::Layer;
using baler::Linear;

template <class T>
ByteSpan bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

std::vector<Layer> as_layers(const std::vector<Linear>& half) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < half.size(); ++i) {
    Layer linear;
    linear.in = {half[i].inputs};
    linear.out = {half[i].outputs};
    linear.weight = half[i].weight;
    linear.bias = half[i].bias;
    layers.push_back(linear);
    if (i + 1 == half.size()) break;
    Layer activation;
    activation.kind = Layer::Kind::LeakyRelu;
    activation.in = activation.out = linear.out;
    layers.push_back(activation);
  }
  return layers;
}

/// False unless the layers are those of the AE.
bool as_linears(const std::vector<Layer>& layers, std::vector<Linear>& half) {
  if (layers.size() != 2 * half.size() - 1) return false;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    if (i % 2 == 1) {
      if (layer.kind != Layer::Kind::LeakyRelu || layer.slope != 0.01) return false;
      continue;
    }
    Linear& linear = half[i / 2];
    if (layer.kind != Layer::Kind::Linear || layer.in.values() != linear.inputs || layer.out.values() != linear.outputs)
      return false;
    linear.weight = layer.weight;
    linear.bias = layer.bias;
  }
  return true;
}

DType float_type(std::uint8_t size) { return {ScalarKind::Float, size, false}; }

void write_values(NpzFileWriter& out, const baler::NetworkOutput& values) {
  const bool wide = values.f4.empty();
  out.begin("data", float_type(wide ? 8 : 4), {values.rows, values.columns});
  out.write(wide ? bytes_of(values.f8) : bytes_of(values.f4));
}

/// Baler writes an empty float64 array where its input has no names.
void write_names(NpzFileWriter& out, const BalerArray& table) {
  if (table.names_npy.empty())
    out.begin("names", float_type(8), {0});
  else
    out.copy("names", table.names_npy);
}

}  // namespace

baler::ArrayView BalerArray::view() const {
  return {f4.empty() ? nullptr : f4.data(), f4.empty() ? f8.data() : nullptr, rows, columns};
}

BalerArray read_baler_array(const std::string& path) {
  const NpzArrays in(path);
  const NpzArrays::Array& data = in.array("data");
  if (data.text || data.shape.size() != 2) fail_input(path + ": 'data' must be a table of numbers, rows x columns");
  BalerArray table;
  table.rows = data.shape[0];
  table.columns = data.shape[1];
  if (data.dtype.is_float() && data.dtype.size == 4) {
    const ByteVector bytes = in.read_all("data");
    table.f4.resize(bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(table.f4.data(), bytes.data(), bytes.size());
  } else {
    table.f8 = in.doubles("data");
  }
  if (in.has("names")) {
    table.names_npy = in.npy("names");
    if (in.array("names").text) table.names = in.strings("names");
  }
  return table;
}

BalerModel read_baler_model(const std::string& path) {
  const baler::ProjectModel project = baler::read_hayb(path);
  const auto features = static_cast<std::uint32_t>(project.features());
  BalerModel model;
  model.network = baler::make_model(features, static_cast<std::uint32_t>(project.latent()), project.float32);
  if (!as_linears(project.encoder, model.network.encoder) || !as_linears(project.decoder, model.network.decoder))
    fail_input(path + ": baler-libtorch knows only Baler's AE, this is a " + project.model_name);
  model.ranges = {project.minimum, project.range};
  if (model.ranges.minimum.empty())
    model.ranges = {std::vector<double>(features, 0.0), std::vector<double>(features, 1.0)};
  return model;
}

void write_baler_model(const std::string& path, const baler::Model& network, const baler::Ranges& ranges,
                       const BalerArray& table, AtomicFile::Existing existing) {
  baler::ProjectModel project;
  project.model_name = network.float32 ? "CFD_dense_AE" : "AE";
  project.float32 = network.float32;
  project.encoder = as_layers(network.encoder);
  project.decoder = as_layers(network.decoder);
  baler::check_layers(project.encoder, "training diverged");
  baler::check_layers(project.decoder, "training diverged");
  project.settings.apply_normalization = true;
  project.range_type = float_type(table.f4.empty() ? 8 : 4);
  project.minimum = ranges.minimum;
  project.range = ranges.range;
  project.names = table.names;
  baler::write_hayb(path, project, existing);
}

void write_baler_compressed(const std::string& path, const baler::NetworkOutput& latents, const baler::Ranges& ranges,
                            const BalerArray& table, AtomicFile::Existing existing) {
  NpzFileWriter out(path, NpzFileWriter::Packing::Stored, existing);
  write_values(out, latents);
  write_names(out, table);
  std::vector<double> features = ranges.minimum;
  features.insert(features.end(), ranges.range.begin(), ranges.range.end());
  const std::vector<float> narrow(features.begin(), features.end());
  out.begin("normalization_features", float_type(table.f4.empty() ? 8 : 4), {2, table.columns});
  out.write(table.f4.empty() ? bytes_of(features) : bytes_of(narrow));
  out.commit();
}

void write_baler_decompressed(const std::string& path, const baler::NetworkOutput& values, const BalerArray& latents,
                              AtomicFile::Existing existing) {
  NpzFileWriter out(path, NpzFileWriter::Packing::Stored, existing);
  write_values(out, values);
  write_names(out, latents);
  out.commit();
}

}  // namespace haywatt::cli
