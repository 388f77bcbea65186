// How fast is each column-wise method, side by side with memcpy of the same bytes?
//   build/bin/codec_bench [--benchmark_filter=zstd]
// Bytes per second are raw bytes of the column; `bytes_per_value` is what the stream takes.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt {
namespace {

constexpr std::uint64_t rows = 1 << 18;

/// One f4 column, like a transverse momentum: an exponential tail above a threshold.
class Column : public TableReader {
 public:
  explicit Column(BoundKind kind) {
    ColumnInfo info;
    info.dtype = DType::parse("f4");
    info.rows = rows;
    schema_.columns.push_back(info);
    std::mt19937_64 random(1);
    std::exponential_distribution<float> tail(0.02F);
    chunk_.rows = rows;
    chunk_.columns.resize(1);
    chunk_.columns[0].rows = rows;
    ByteWriter values;
    for (std::uint64_t i = 0; i < rows; ++i) values.put(20.0F + tail(random));
    chunk_.columns[0].values = values.take();
    ResolvedBound bound;
    bound.kind = kind;
    bound.epsilon = kind == BoundKind::Abs ? 0.5 : 0x1p-10;
    bounds_.push_back(bound);
  }
  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] Chunk read(std::uint64_t, std::uint64_t) const override { return chunk_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return 0; }
  [[nodiscard]] const Chunk& chunk() const { return chunk_; }
  [[nodiscard]] ByteSpan values() const { return chunk_.columns[0].values; }
  [[nodiscard]] TableContext context() const { return {&schema_, &bounds_}; }

 private:
  Schema schema_;
  Chunk chunk_;
  std::vector<ResolvedBound> bounds_;
};

void count_bytes(benchmark::State& state, std::size_t raw) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * raw));
}

void copy(benchmark::State& state) {
  const Column column(BoundKind::Lossless);
  ByteVector target(column.values().size());
  while (state.KeepRunning()) {
    std::memcpy(target.data(), column.values().data(), target.size());
    benchmark::ClobberMemory();
  }
  count_bytes(state, target.size());
}

void encode(benchmark::State& state, const std::string& method, BoundKind kind) {
  const Column column(kind);
  const MethodSpec spec = MethodSpec::parse(method);
  const auto encoder = find_method(spec.name).make_encoder(spec);
  (void)encoder->prepare(column, column.context(), {}, 1);
  std::size_t size = 0;
  while (state.KeepRunning()) size = encoder->encode(column.chunk()).columns[0].size();
  count_bytes(state, column.values().size());
  state.counters["bytes_per_value"] = static_cast<double>(size) / rows;
}

void decode(benchmark::State& state, const std::string& method, BoundKind kind) {
  const Column column(kind);
  const MethodSpec spec = MethodSpec::parse(method);
  const auto encoder = find_method(spec.name).make_encoder(spec);
  (void)encoder->prepare(column, column.context(), {}, 1);
  const EncodedChunk encoded = encoder->encode(column.chunk());
  const auto decoder = find_method(spec.name).make_decoder(column.context(), {});
  EncodedChunkView view;
  view.rows = rows;
  view.column_rows = {rows};
  view.columns = {encoded.columns[0]};
  while (state.KeepRunning()) benchmark::DoNotOptimize(decoder->decode(view, {true}));
  count_bytes(state, column.values().size());
}

void register_all() {
  benchmark::RegisterBenchmark("memcpy", copy);
  std::vector<std::string> methods{"zstd", "zstd:level=19", "lz4", "lz4:level=9", "zfp"};
  const Column column(BoundKind::Lossless);
  for (const auto& method : all_methods())
    if (method->name().starts_with("hdf5:") && method->unavailable_reason().empty() &&
        method->inapplicable_reason(column.schema()).empty())
      methods.push_back(method->name());
  const std::vector<std::pair<std::string, BoundKind>> bounds{
      {"lossless", BoundKind::Lossless}, {"abs:0.5", BoundKind::Abs}, {"rel:2^-10", BoundKind::Rel}};
  for (const std::string& method : methods)
    for (const auto& [text, kind] : bounds) {
      if (!find_method(MethodSpec::parse(method).name).supports(kind)) continue;
      const auto name = [&, &t = text](const char* what) {
        return std::string(method).append(" ").append(t).append(what);
      };
      benchmark::RegisterBenchmark(name(" encode").c_str(),
                                   [method, k = kind](benchmark::State& s) { encode(s, method, k); });
      benchmark::RegisterBenchmark(name(" decode").c_str(),
                                   [method, k = kind](benchmark::State& s) { decode(s, method, k); });
    }
}

}  // namespace
}  // namespace haywatt

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return static_cast<int>(haywatt::ErrorKind::Usage);
  try {
    haywatt::register_all();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const haywatt::Error& e) {
    std::fprintf(stderr, "codec_bench: %s\n", e.what());
    return e.exit_code();
  }
  return 0;
}
