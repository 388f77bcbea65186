#include "codec/baler/model_io.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

template <class Layers, class F>
void each_array(Layers& model, F&& f) {
  for (auto* half : {&model.encoder, &model.decoder}) {
    for (auto& layer : *half) {
      f(layer.weight);
      f(layer.bias);
    }
  }
}

template <class T>
void append_as(ByteVector& out, const std::vector<double>& values) {
  const std::size_t at = out.size();
  out.resize(at + values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(out.data() + at + i * sizeof(T), &value, sizeof(T));
  }
}

template <class T>
void take_as(ByteSpan bytes, std::size_t& at, std::vector<double>& values) {
  for (double& to : values) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    at += sizeof(T);
    to = value;
  }
}

// Parameters of a half with `n` columns and latent size `z`, in 64 bits (n and z are 32-bit numbers).
std::uint64_t half_parameters(std::uint64_t n, std::uint64_t z, std::uint64_t ends) {
  return n * 200 + std::uint64_t{200} * 100 + std::uint64_t{100} * 50 + 50 * z + 200 + 100 + 50 + ends;
}

}  // namespace

float round_mantissa(double value, int bits) {
  const auto single = static_cast<float>(value);
  const int drop = 23 - bits;
  if (drop <= 0 || !std::isfinite(single)) return single;
  const auto raw = std::bit_cast<std::uint32_t>(single);
  const std::uint32_t half = (1U << (drop - 1)) - 1 + ((raw >> drop) & 1U);
  return std::bit_cast<float>((raw + half) & ~((1U << drop) - 1));
}

Model rounded_decoder(const Model& model, int bits) {
  Model out;
  out.float32 = model.float32;
  out.decoder = model.decoder;
  each_array(out, [bits](std::vector<double>& values) {
    for (double& value : values) value = round_mantissa(value, bits);
  });
  return out;
}

bool all_finite(const Model& model) {
  bool finite = true;
  each_array(model, [&finite](const std::vector<double>& values) {
    finite = finite && std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  });
  return finite;
}

void write_model(ByteWriter& out, const Model& model, int bits, int level) {
  const bool rounded = bits != all_bits;
  out.put<std::uint8_t>(model.float32 ? 1 : 0);
  out.put<std::uint8_t>(rounded ? 1 : 0);
  out.put<std::uint32_t>(model.columns());
  out.put<std::uint32_t>(model.latent());
  out.put<std::uint8_t>(model.encoder.empty() ? 0 : 1);
  ByteVector raw;
  each_array(model, [&](const std::vector<double>& values) {
    if (rounded || model.float32)
      append_as<float>(raw, values);
    else
      append_as<double>(raw, values);
  });
  out.put_block(rounded ? zstd_pack(shuffle(raw, sizeof(float)), level) : raw);
}

Model read_model(ByteReader& in, std::uint64_t columns) {
  std::array<std::uint8_t, 2> flags = {in.get<std::uint8_t>(), in.get<std::uint8_t>()};
  const auto n = in.get<std::uint32_t>();
  const auto z = in.get<std::uint32_t>();
  const auto encoder = in.get<std::uint8_t>();
  const ByteSpan block = in.get_block();
  if (flags[0] > 1 || flags[1] > 1 || encoder > 1 || n == 0 || z == 0)
    fail_input("baler model is damaged: an impossible header");
  if (n != columns) fail_input("baler model is damaged: it has another number of columns than the table");
  const bool rounded = flags[1] == 1;
  const std::uint64_t width = rounded || flags[0] == 1 ? sizeof(float) : sizeof(double);
  const std::uint64_t count = half_parameters(n, z, n) + (encoder == 1 ? half_parameters(n, z, z) : 0);
  ByteVector unpacked;
  ByteSpan raw = block;
  if (rounded) {
    unpacked = unshuffle(zstd_unpack(block, count * width), sizeof(float));
    raw = unpacked;
  }
  if (raw.size() != count * width) fail_input("baler model is damaged: its weights do not fit its layers");
  Model model = make_model(n, z, flags[0] == 1);
  if (encoder == 0) model.encoder.clear();
  std::size_t at = 0;
  each_array(model, [&](std::vector<double>& values) {
    if (width == sizeof(float))
      take_as<float>(raw, at, values);
    else
      take_as<double>(raw, at, values);
  });
  if (!all_finite(model)) fail_input("baler model is damaged: a weight is not finite");
  return model;
}

}  // namespace haywatt::baler
