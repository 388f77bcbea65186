/// The .hayb file; docs/format-hayb.md describes it byte by byte.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "codec/baler/project/layers.hpp"
#include "codec/baler/project/type_list.hpp"
#include "codec/baler/scalars.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/project.hpp"
#include "haywatt/data/statistics.hpp"
#include "haywatt_version.hpp"

namespace haywatt::baler {
namespace {

using nlohmann::json;

constexpr std::string_view magic = "\x89HAYB\r\n\x1a";
constexpr std::uint32_t hayb_version = 1;
constexpr std::size_t prefix_bytes = 8 + 4 + 4 + 8 + 8;
constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t alignment = 64;

// -- writing

class TensorWriter {
 public:
  /// Adds an array and returns its index.
  std::size_t add(const std::vector<double>& values) {
    const bool single = std::all_of(values.begin(), values.end(),
                                    [](double v) { return static_cast<double>(static_cast<float>(v)) == v; });
    while (bytes_.size() % alignment != 0) bytes_.put(std::uint8_t{0});
    table_.push_back({{"type", single ? "f4" : "f8"}, {"count", values.size()}, {"offset", bytes_.size()}});
    for (const double v : values) {
      if (single) {
        bytes_.put(static_cast<float>(v));
      } else {
        bytes_.put(v);
      }
    }
    return table_.size() - 1;
  }
  [[nodiscard]] const json& table() const { return table_; }
  [[nodiscard]] ByteSpan bytes() const { return bytes_.view(); }

 private:
  json table_ = json::array();
  ByteWriter bytes_;
};

json layers_to_json(const std::vector<Layer>& layers, TensorWriter& tensors) {
  json out = json::array();
  for (const Layer& l : layers) {
    json j = {{"op", kind_name(l.kind)},
              {"in", {l.in.channels, l.in.height, l.in.width}},
              {"out", {l.out.channels, l.out.height, l.out.width}}};
    if (l.kind == Layer::Kind::LeakyRelu) j["slope"] = l.slope;
    if (l.kind == Layer::Kind::Conv || l.kind == Layer::Kind::ConvTranspose) {
      j["kernel"] = l.kernel;
      j["stride"] = l.stride;
      j["padding"] = l.padding;
    }
    if (!l.weight.empty()) j["weight"] = tensors.add(l.weight);
    if (!l.bias.empty()) j["bias"] = tensors.add(l.bias);
    out.push_back(std::move(j));
  }
  return out;
}

json settings_to_json(const ProjectSettings& s) {
  return {{"data_dimension", s.data_dimension},
          {"batch_size", s.batch_size},
          {"apply_normalization", s.apply_normalization},
          {"custom_norm", s.custom_norm},
          {"extra_compression", s.extra_compression},
          {"save_error_bounded_deltas", s.error_bounded},
          {"error_bounded_requirement", s.error_bound_percent},
          {"convert_to_blocks", s.block},
          {"type_list", s.type_list}};
}

// -- reading

class TensorReader {
 public:
  TensorReader(const json& table, ByteSpan bytes) : table_(table), bytes_(bytes) {}
  [[nodiscard]] std::vector<double> get(const json& index) const {
    const json& entry = table_.at(index.get<std::size_t>());
    const std::string type = entry.at("type");
    const std::uint64_t count = entry.at("count"), offset = entry.at("offset");
    const std::uint64_t item = type == "f4" ? 4 : type == "f8" ? 8 : 0;
    if (item == 0 || offset % alignment != 0 || offset > bytes_.size() || count > (bytes_.size() - offset) / item)
      fail_input("a tensor lies outside the file");
    return to_doubles(DType::parse(type),
                      bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count * item)));
  }

 private:
  const json& table_;
  ByteSpan bytes_;
};

Shape shape_from(const json& j) {
  const auto sizes = j.get<std::array<std::uint32_t, 3>>();
  return {sizes[0], sizes[1], sizes[2]};
}

std::vector<Layer> layers_from_json(const json& j, const TensorReader& tensors) {
  std::vector<Layer> layers;
  for (const json& entry : j) {
    Layer l;
    const std::string op = entry.at("op");
    const auto kind = kind_of(op);
    if (!kind) fail_input("the layer " + data::quoted_name(op) + " is unknown to this version");
    l.kind = *kind;
    l.in = shape_from(entry.at("in"));
    l.out = shape_from(entry.at("out"));
    l.slope = entry.value("slope", 0.01);
    l.kernel = entry.value("kernel", l.kernel);
    l.stride = entry.value("stride", 1U);
    l.padding = entry.value("padding", 0U);
    if (entry.contains("weight")) l.weight = tensors.get(entry["weight"]);
    if (entry.contains("bias")) l.bias = tensors.get(entry["bias"]);
    layers.push_back(std::move(l));
  }
  return layers;
}

ProjectSettings settings_from_json(const json& j) {
  ProjectSettings s;
  s.data_dimension = j.at("data_dimension");
  s.batch_size = j.at("batch_size");
  s.apply_normalization = j.at("apply_normalization");
  s.custom_norm = j.at("custom_norm");
  s.extra_compression = j.at("extra_compression");
  s.error_bounded = j.at("save_error_bounded_deltas");
  s.error_bound_percent = j.at("error_bounded_requirement");
  s.block = j.at("convert_to_blocks");
  s.type_list = j.at("type_list").get<std::vector<std::string>>();
  return s;
}

/// What the rest of the program relies on without looking again.
void check_model(const ProjectModel& m) {
  check_layers(m.encoder, "the encoder");
  check_layers(m.decoder, "the decoder");
  const ProjectSettings& s = m.settings;
  if (m.decoder.front().in.values() != m.latent() || m.decoder.back().out.values() != m.features())
    fail_input("encoder and decoder do not fit each other");
  if (s.batch_size < 1 || s.batch_size > (std::uint64_t{1} << 40) || s.data_dimension < 1 || s.data_dimension > 2 ||
      !(s.error_bound_percent >= 0.0))
    fail_input("a setting is out of range");
  const bool any_range = !m.minimum.empty() || !m.range.empty();
  if (any_range && (m.minimum.size() != m.features() || m.range.size() != m.features()))
    fail_input("the training range is not that of the model's columns");
  if (s.apply_normalization && !any_range) fail_input("the training range is missing");
  for (const std::vector<double>* values : {&m.minimum, &m.range})
    if (!std::all_of(values->begin(), values->end(), [](double v) { return std::isfinite(v); }))
      fail_input("the training range holds NaN or infinity");
  if (!s.type_list.empty() && s.type_list.size() != m.features())
    fail_input("type_list is not that of the model's columns");
  for (const std::string& t : s.type_list)
    if (!column_cast(t)) fail_input("type_list holds the unknown type " + data::quoted_name(t));
  for (const auto& size : {s.block, m.frame})
    if ((size[0] == 0) != (size[1] == 0) || size[0] > 1'000'000 || size[1] > 1'000'000)
      fail_input("an image's size is absurd");
  const auto& image = s.block[0] != 0 ? s.block : m.frame;
  if (image[0] != 0 && std::uint64_t{image[0]} * image[1] != m.features())
    fail_input("the images' size is not the model's");
}

ProjectModel parse(ByteSpan header, ByteSpan tensor_bytes) {
  const json j = json::parse(as_text(header));
  const TensorReader tensors(j.at("tensors"), tensor_bytes);
  ProjectModel m;
  const json& model = j.at("model");
  m.model_name = model.at("class");
  const std::string arithmetic = model.at("arithmetic");
  if (arithmetic != "float32" && arithmetic != "float64") fail_input("the arithmetic is unknown to this version");
  m.float32 = arithmetic == "float32";
  m.convolutional = model.at("convolutional");
  m.encoder = layers_from_json(model.at("encoder"), tensors);
  m.decoder = layers_from_json(model.at("decoder"), tensors);
  m.settings = settings_from_json(j.at("settings"));
  if (j.contains("training_range")) {
    const json& range = j["training_range"];
    m.range_type = DType::parse(range.at("type"));
    m.minimum = tensors.get(range.at("minimum"));
    m.range = tensors.get(range.at("range"));
  }
  m.frame = j.at("frame");
  m.names = j.at("names").get<std::vector<std::string>>();
  m.sources = j.at("sources").get<std::map<std::string, std::string>>();
  check_model(m);
  return m;
}

}  // namespace

void write_hayb(const std::string& path, const ProjectModel& m, AtomicFile::Existing existing) {
  TensorWriter tensors;
  json j = {{"writer", std::string("haywatt ") + version},
            {"model",
             {{"class", m.model_name},
              {"arithmetic", m.float32 ? "float32" : "float64"},
              {"convolutional", m.convolutional},
              {"encoder", layers_to_json(m.encoder, tensors)},
              {"decoder", layers_to_json(m.decoder, tensors)}}},
            {"settings", settings_to_json(m.settings)},
            {"frame", m.frame},
            {"names", m.names},
            {"sources", m.sources}};
  if (!m.minimum.empty())
    j["training_range"] = {
        {"type", m.range_type.name()}, {"minimum", tensors.add(m.minimum)}, {"range", tensors.add(m.range)}};
  j["tensors"] = tensors.table();
  std::string header = j.dump(-1, ' ', false, json::error_handler_t::replace);
  header.append((alignment - (prefix_bytes + header.size()) % alignment) % alignment, ' ');
  ByteWriter w;
  w.put_bytes(as_byte_span(magic));
  w.put(hayb_version);
  w.put(std::uint32_t{0});
  w.put<std::uint64_t>(header.size());
  w.put<std::uint64_t>(tensors.bytes().size());
  w.put_bytes(as_byte_span(header));
  w.put_bytes(tensors.bytes());
  w.put(xxh3(w.view()));
  AtomicFile file(path, existing);
  file.write_at(0, w.view());
  file.commit();
}

bool is_hayb(const std::string& path) {
  const InputFile file(path);
  return file.size() >= magic.size() && as_text(file.read_at(0, magic.size())) == magic;
}

ProjectModel read_hayb(const std::string& path) {
  const InputFile file(path);
  if (file.size() < magic.size() || as_text(file.read_at(0, magic.size())) != magic)
    fail_input(path + " is no .hayb file: make one with 'haywatt baler import PROJECT -o m.hayb'");
  const ByteVector bytes = file.read_at(0, file.size());
  ByteReader r(bytes, path);
  r.get_bytes(magic.size());
  const auto file_version = r.get<std::uint32_t>();
  if (file_version != hayb_version)
    fail_input(path + " is of version " + std::to_string(file_version) + " of .hayb: this program reads version " +
               std::to_string(hayb_version));
  static_cast<void>(r.get<std::uint32_t>());
  const auto header_bytes = r.get<std::uint64_t>(), tensor_bytes = r.get<std::uint64_t>();
  const ByteSpan header = r.get_bytes(header_bytes), tensors = r.get_bytes(tensor_bytes);
  const auto checksum = r.get<std::uint64_t>();
  r.expect_end();
  if (checksum != xxh3(ByteSpan(bytes).first(bytes.size() - checksum_bytes)))
    fail_input(path + " is damaged: its checksum is wrong");
  try {
    return parse(header, tensors);
  } catch (const Error& e) {
    fail_input(path + " is damaged: " + e.what());
  } catch (const json::exception&) {
    fail_input(path + " is damaged: its header is not what a .hayb has");
  }
}

}  // namespace haywatt::baler
