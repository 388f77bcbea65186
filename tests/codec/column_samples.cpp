#include "codec/column_samples.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codec/classical/half.hpp"
#include "data/value_types.hpp"

namespace haywatt::samples {
namespace {

class NoReader : public TableReader {
 public:
  explicit NoReader(const Schema& schema) : schema_(schema) {}
  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] Chunk read(std::uint64_t, std::uint64_t) const override { fail_usage("column codecs read no table"); }
  [[nodiscard]] std::uint64_t file_bytes() const override { return 0; }

 private:
  const Schema& schema_;
};

void append(ByteVector& out, const DType& type, double d) {
  visit_type(type, [&]<class T>(T) {
    T v{};
    if constexpr (std::is_same_v<T, Half>) {
      v.bits = half_from_double(d);
    } else if constexpr (std::is_same_v<T, Bool8>) {
      v.bits = d > 0 ? 1 : 0;
    } else if constexpr (std::is_integral_v<T>) {
      const double low = static_cast<double>(std::numeric_limits<T>::min());
      const double high = static_cast<double>(std::numeric_limits<T>::max());
      v = d <= low ? std::numeric_limits<T>::min() : d >= high ? std::numeric_limits<T>::max() : static_cast<T>(d);
    } else {
      v = static_cast<T>(d);
    }
    const auto* p = reinterpret_cast<const std::byte*>(&v);
    for (std::size_t i = 0; i < sizeof v; ++i) out.push_back(p[i]);
  });
}

std::vector<double> specials(const DType& type) {
  const double least = type.size == 2 ? 0x1p-24 : type.size == 4 ? 0x1p-149 : 0x1p-1074;
  const double most = type.size == 2   ? 65504.0
                      : type.size == 4 ? std::numeric_limits<float>::max()
                                       : std::numeric_limits<double>::max();
  return {NAN, INFINITY, -INFINITY, -0.0, 0.0, least, -5 * least, most, -most, std::copysign(NAN, -1.0)};
}

Sample make(const std::string& name, const DType& type, const std::vector<double>& x) {
  Sample s;
  s.name = type.name();
  s.name.append(1, ' ').append(name).append(" x").append(std::to_string(x.size()));
  s.info.name.assign(1, 'c');
  s.info.dtype = type;
  s.info.rows = x.size();
  s.data.rows = x.size();
  for (const double v : x) append(s.data.values, type, v);
  return s;
}

struct Prepared {
  Schema schema;
  std::vector<ResolvedBound> bounds;
  [[nodiscard]] TableContext context() const { return {&schema, &bounds}; }
};
Prepared prepare(const Sample& sample, const ResolvedBound& bound) {
  Prepared p;
  p.schema.columns.push_back(sample.info);
  p.bounds.push_back(bound);
  return p;
}

}  // namespace

std::vector<DType> all_types() {
  std::vector<DType> types;
  for (const char* name : {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
    types.push_back(DType::parse(name));
  return types;
}

std::vector<Sample> flat_columns(const DType& type, std::uint64_t rows, std::mt19937_64& random) {
  std::normal_distribution<double> normal(0, 30);
  std::vector<double> noise(rows);
  std::vector<double> smooth(rows);
  std::vector<double> whole(rows);
  std::vector<double> special(rows);
  const auto odd = specials(type);
  for (std::uint64_t i = 0; i < rows; ++i) {
    noise[i] = normal(random);
    smooth[i] = 1000 + 100 * std::sin(0.01 * static_cast<double>(i));
    whole[i] = std::floor(std::fabs(normal(random)));
    special[i] = random() % 4 == 0 ? odd[random() % odd.size()] : normal(random);
  }
  std::vector<Sample> samples{make("noise", type, noise), make("smooth", type, smooth),
                              make("constant", type, std::vector<double>(rows, 42)), make("whole", type, whole)};
  if (type.is_float()) samples.push_back(make("specials", type, special));
  Sample bits = make("random bits", type, noise);
  for (std::byte& b : bits.data.values) b = static_cast<std::byte>(random());
  samples.push_back(bits);
  return samples;
}

Sample field(const DType& type, std::uint64_t rows, std::vector<std::uint64_t> inner_shape, std::mt19937_64& random) {
  std::uint64_t per_row = 1;
  for (const std::uint64_t n : inner_shape) per_row *= n;
  std::normal_distribution<double> normal(0, 0.01);
  std::vector<double> x(rows * per_row);
  for (std::uint64_t i = 0; i < x.size(); ++i)
    x[i] = 10 * std::sin(0.2 * static_cast<double>(i % 16)) + 0.1 * std::floor(static_cast<double>(i) / 16) +
           normal(random);
  Sample s = make("field", type, x);
  s.info.layout = Layout::FixedShape;
  s.info.rows = s.data.rows = rows;
  s.info.inner_shape = std::move(inner_shape);
  return s;
}

Sample jagged(const DType& type, std::uint64_t rows, std::mt19937_64& random) {
  std::vector<std::uint64_t> offsets{0};
  for (std::uint64_t i = 0; i < rows; ++i) offsets.push_back(offsets.back() + random() % 6);
  std::normal_distribution<double> normal(0, 30);
  std::vector<double> x(offsets.back());
  for (double& v : x) v = normal(random);
  Sample s = make("jagged", type, x);
  s.info.layout = Layout::Jagged;
  s.info.rows = s.data.rows = rows;
  s.data.offsets = std::move(offsets);
  return s;
}

ResolvedBound abs_bound(double epsilon) { return {BoundKind::Abs, epsilon, 0, "abs"}; }
ResolvedBound rel_bound(double epsilon) { return {BoundKind::Rel, epsilon, 0, "rel"}; }
ResolvedBound bits_bound(int bits) { return {BoundKind::Bits, 0.0, bits, "bits"}; }

std::vector<ResolvedBound> bounds_for(const Sample& sample) {
  std::vector<ResolvedBound> bounds{ResolvedBound{}};
  if (sample.info.dtype.kind == ScalarKind::Bool) return bounds;
  for (const double e : {1e-30, 1e-6, 0.01, 1.0, 3.7, 1e4, 1e300}) bounds.push_back(abs_bound(e));
  if (!sample.info.dtype.is_float()) return bounds;
  for (const double e : {1e-17, 0x1p-10, 1e-3, 0.3, 2.0}) bounds.push_back(rel_bound(e));
  for (const int n : {0, 7, 10, 23, 52}) bounds.push_back(bits_bound(n));
  return bounds;
}

ByteVector encode(const std::string& method, const Sample& sample, const ResolvedBound& bound) {
  const Prepared p = prepare(sample, bound);
  const MethodSpec spec = MethodSpec::parse(method);
  const auto encoder = find_method(spec.name).make_encoder(spec);
  (void)encoder->prepare(NoReader(p.schema), p.context(), {}, 1);
  Chunk chunk;
  chunk.rows = sample.data.rows;
  chunk.columns.push_back(sample.data);
  return encoder->encode(chunk).columns.at(0);
}

ColumnData decode(const std::string& method, const Sample& sample, const ResolvedBound& bound, ByteSpan stream) {
  const Prepared p = prepare(sample, bound);
  const auto decoder = find_method(MethodSpec::parse(method).name).make_decoder(p.context(), {});
  EncodedChunkView view;
  view.rows = sample.data.rows;
  view.column_rows = {sample.data.rows};
  view.columns = {stream};
  return decoder->decode(view, {true}).columns.at(0);
}

std::uint64_t inexcusable_violations(const Sample& sample, const ColumnData& decoded, const ResolvedBound& bound) {
  const DType& type = sample.info.dtype;
  std::uint64_t count = 0;
  for (const std::uint64_t i : find_violations(type, sample.data.values, decoded.values, bound, encoder_margin)) {
    bool excused = false;
    visit_type(type, [&]<class T>(T) {
      if constexpr (std::is_same_v<T, Half> || std::is_floating_point_v<T>) {
        T v;
        std::memcpy(&v, sample.data.values.data() + i * sizeof(T), sizeof(T));
        const double x = to_double(v);
        const int precision = type.size == 2 ? 11 : type.size == 4 ? 24 : 53;
        const double least_normal = type.size == 2 ? 0x1p-14 : type.size == 4 ? 0x1p-126 : 0x1p-1022;
        int e = 0;
        (void)std::frexp(x, &e);
        excused = !std::isfinite(x) || (x == 0 && std::signbit(x)) || (x != 0 && std::fabs(x) < least_normal) ||
                  (bound.kind == BoundKind::Abs && bound.epsilon < 2 * std::ldexp(1.0, e - precision));
      }
    });
    count += excused ? 0 : 1;
  }
  return count;
}

}  // namespace haywatt::samples
