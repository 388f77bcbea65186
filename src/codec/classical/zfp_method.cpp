// zfp (https://zfp.io, Lindstrom 2014, doi:10.1109/TVCG.2014.2346458): f4 and f8 in fixed-accuracy or reversible mode,
// i4 and i8 in reversible mode; all else as zstd has it.
#include <zfp.h>

#include <cmath>
#include <cstdlib>

#include "codec/classical/array_shape.hpp"
#include "codec/classical/methods.hpp"
#include "codec/classical/packed_codec.hpp"
#include "codec/classical/zstd_compressor.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt {
namespace {

enum Form : std::uint8_t { packed = 0, reversible = 1, accuracy = 2 };

zfp_type zfp_type_of(const DType& type) {
  if (type.kind == ScalarKind::Int)
    return type.size == 4 ? zfp_type_int32 : type.size == 8 ? zfp_type_int64 : zfp_type_none;
  if (type.kind == ScalarKind::Float)
    return type.size == 4 ? zfp_type_float : type.size == 8 ? zfp_type_double : zfp_type_none;
  return zfp_type_none;
}

struct CloseField {
  void operator()(zfp_field* f) const { zfp_field_free(f); }
};
struct CloseZfp {
  void operator()(zfp_stream* s) const { zfp_stream_close(s); }
};
struct CloseBits {
  void operator()(bitstream* b) const { stream_close(b); }
};
struct Free {
  void operator()(void* p) const { std::free(p); }
};

/// zfp's view of one column: its array and its parameters.
class Zfp {
 public:
  Zfp(const ColumnTask& task, void* values) : field_(zfp_field_alloc()), stream_(zfp_stream_open(nullptr)) {
    if (!field_ || !stream_) throw std::bad_alloc();
    const auto extents = array_extents(task, 4);
    zfp_field_set_type(field_.get(), zfp_type_of(task.type));
    zfp_field_set_pointer(field_.get(), values);
    const std::size_t n = extents.size();
    if (n == 1)
      zfp_field_set_size_1d(field_.get(), extents[0]);
    else if (n == 2)
      zfp_field_set_size_2d(field_.get(), extents[1], extents[0]);
    else if (n == 3)
      zfp_field_set_size_3d(field_.get(), extents[2], extents[1], extents[0]);
    else
      zfp_field_set_size_4d(field_.get(), extents[3], extents[2], extents[1], extents[0]);
    blocks_ = 1;
    for (const std::uint64_t e : extents) blocks_ *= (e + 3) / 4;
    block_values_ = std::uint64_t{1} << (2 * n);
  }

  void set_reversible() { zfp_stream_set_reversible(stream_.get()); }
  void set_accuracy(double tolerance) { zfp_stream_set_accuracy(stream_.get(), tolerance); }

  [[nodiscard]] ByteVector compress() {
    ByteVector out(zfp_stream_maximum_size(stream_.get(), field_.get()));
    const std::unique_ptr<bitstream, CloseBits> bits(stream_open(out.data(), out.size()));
    zfp_stream_set_bit_stream(stream_.get(), bits.get());
    zfp_stream_rewind(stream_.get());
    const ScopedOperator op({"zfp compress", "", ""}, {});
    const std::size_t size = zfp_compress(stream_.get(), field_.get());
    if (size == 0) fail_system("zfp cannot compress this array");
    out.resize(size);
    return out;
  }

  /// zfp checks no borders while it reads. Whatever the bits are, a plane of a block takes at most 2*values+1 of them,
  /// and a block has at most 64 planes and 64 bits of head: so much is there to be read, zeros after the stream's own
  /// bytes. Pages that are never touched cost nothing.
  void decompress(ByteSpan data) {
    const std::uint64_t most_bits = blocks_ * (64 * (2 * block_values_ + 1) + 64);
    const std::size_t room = data.size() + most_bits / 8 + 64;
    const std::unique_ptr<void, Free> buffer(std::calloc(room / 8 + 1, 8));
    if (!buffer) throw std::bad_alloc();
    std::memcpy(buffer.get(), data.data(), data.size());
    const std::unique_ptr<bitstream, CloseBits> bits(stream_open(buffer.get(), room / 8 * 8));
    zfp_stream_set_bit_stream(stream_.get(), bits.get());
    zfp_stream_rewind(stream_.get());
    const ScopedOperator op({"zfp decompress", "", ""}, {});
    if (zfp_decompress(stream_.get(), field_.get()) != data.size())
      fail_input("damaged zfp stream: its length is wrong");
  }

 private:
  std::unique_ptr<zfp_field, CloseField> field_;
  std::unique_ptr<zfp_stream, CloseZfp> stream_;
  std::uint64_t blocks_ = 1;
  std::uint64_t block_values_ = 4;
};

/// Stream (docs/format-methods.md): nothing for no values, else u8 form: 0 as zstd, 1 zfp reversible, 2 f64 tolerance,
/// zfp accuracy.
class ZfpCodec : public ColumnCodec {
 public:
  [[nodiscard]] ByteVector encode(const ColumnTask& task, ByteSpan values) const override {
    if (values.empty()) return {};
    const bool lossless = task.bound.kind == BoundKind::Lossless;
    const bool tolerant = task.bound.kind == BoundKind::Abs && task.type.is_float();
    ByteWriter out;
    if (zfp_type_of(task.type) == zfp_type_none || !(lossless || tolerant)) {
      out.put<std::uint8_t>(packed);
      out.put_bytes(fallback_.encode(task, values));
      return out.take();
    }
    const double tolerance = task.bound.epsilon * encoder_margin;
    ByteVector copy = tolerant ? finite_copy(task.type, values) : ByteVector(values.begin(), values.end());
    Zfp zfp(task, copy.data());
    if (tolerant && worth_a_tolerance(task.type, copy, tolerance)) {
      out.put<std::uint8_t>(accuracy);
      out.put(tolerance);
      zfp.set_accuracy(tolerance);
    } else {
      copy.assign(values.begin(), values.end());
      out.put<std::uint8_t>(reversible);
      zfp.set_reversible();
    }
    out.put_bytes(zfp.compress());
    return out.take();
  }

  [[nodiscard]] ByteVector decode(const ColumnTask& task, ByteSpan stream) const override {
    ByteReader in(stream, "column stream");
    if (task.values == 0) {
      in.expect_end();
      return {};
    }
    if (task.values > (std::uint64_t{1} << 40)) fail_input("damaged column stream: absurd number of values");
    const auto form = in.get<std::uint8_t>();
    if (form == packed) return fallback_.decode(task, in.get_bytes(in.remaining()));
    if (zfp_type_of(task.type) == zfp_type_none || form > accuracy)
      fail_input("damaged column stream: unknown form " + std::to_string(form));
    ByteVector values(task.values * task.type.size);
    Zfp zfp(task, values.data());
    if (form == reversible) {
      zfp.set_reversible();
    } else {
      const auto tolerance = in.get<double>();
      if (!(tolerance > 0) || !std::isfinite(tolerance) || !task.type.is_float())
        fail_input("damaged column stream: no zfp tolerance");
      zfp.set_accuracy(tolerance);
    }
    zfp.decompress(in.get_bytes(in.remaining()));
    return values;
  }

 private:
  PackedCodec fallback_{make_zstd_compressor(3)};
};

class ZfpMethod : public ColumnMethod {
 public:
  [[nodiscard]] std::string name() const override { return "zfp"; }
  [[nodiscard]] std::string description() const override {
    return "zfp arrays, floats within a tolerance or reversible; columns that zfp does not hold go to zstd";
  }
  [[nodiscard]] bool supports(BoundKind kind) const override {
    return kind == BoundKind::Lossless || kind == BoundKind::Abs || kind == BoundKind::Range;
  }
  [[nodiscard]] std::string version() const override {
    std::string text(zfp_version_string);  // "zfp version 1.0.0 (August 1, 2022)"
    const auto at = text.find("version ");
    if (at == std::string::npos) return text;
    return "zfp " + text.substr(at + 8, text.find(' ', at + 8) - at - 8);
  }

 protected:
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_codec(const MethodSpec&) const override {
    return std::make_unique<ZfpCodec>();
  }
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_decoding_codec() const override {
    return std::make_unique<ZfpCodec>();
  }
};

}  // namespace

std::unique_ptr<Method> make_zfp_method() { return std::make_unique<ZfpMethod>(); }

}  // namespace haywatt
