#include "codec/classical/hdf5_methods.hpp"

#include <algorithm>
#include <mutex>

#include "codec/classical/array_shape.hpp"
#include "codec/classical/hdf5_filters.hpp"
#include "codec/classical/hdf5_library.hpp"
#include "codec/classical/hdf5_plugins.hpp"
#include "codec/classical/packed_codec.hpp"
#include "codec/classical/zstd_compressor.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

using hdf5::FilterSetup;
using hdf5::KnownFilter;

const std::string prefix = "hdf5:";

/// The filter's parameters travel before its chunk, so that a reader needs none of the writer's options.
void put_filtered(ByteWriter& out, const FilterSetup& setup, ByteSpan chunk) {
  out.put_varint(setup.parameters.size());
  for (const unsigned p : setup.parameters) out.put(static_cast<std::uint32_t>(p));
  out.put_bytes(chunk);
}

ByteSpan get_filtered(ByteReader& in, FilterSetup& setup) {
  constexpr std::uint64_t most_parameters = 32;
  const std::uint64_t count = in.get_varint();
  if (count > most_parameters) fail_input("damaged HDF5 stream: too many filter parameters");
  setup.parameters.resize(count);
  for (unsigned& p : setup.parameters) p = in.get<std::uint32_t>();
  return in.get_bytes(in.remaining());
}

/// A lossless filter as the byte compressor of the shared column codec.
class FilterCompressor : public ByteCompressor {
 public:
  FilterCompressor(const KnownFilter& filter, std::vector<unsigned> parameters)
      : filter_(filter), parameters_(std::move(parameters)) {}
  [[nodiscard]] bool wants_planes() const override { return false; }

  [[nodiscard]] std::optional<ByteVector> compress(ByteSpan raw, unsigned element_size) const override {
    FilterSetup setup = setup_for(raw.size(), element_size);
    setup.parameters = parameters_;
    const ByteVector chunk = hdf5::library().filter_chunk(setup, raw);
    if (chunk.empty()) return std::nullopt;
    ByteWriter out;
    put_filtered(out, setup, chunk);
    return out.take();
  }

  void decompress(ByteSpan stream, std::span<std::byte> out, unsigned element_size) const override {
    FilterSetup setup = setup_for(out.size(), element_size);
    ByteReader in(stream, "HDF5 stream");
    const ByteSpan chunk = get_filtered(in, setup);
    hdf5::library().unfilter_chunk(setup, chunk, out);
  }

 private:
  [[nodiscard]] FilterSetup setup_for(std::size_t bytes, unsigned element_size) const {
    const DType type{ScalarKind::UInt, static_cast<std::uint8_t>(element_size), false};
    return {filter_.id, {}, filter_.shuffle, type, {bytes / element_size}};
  }
  const KnownFilter& filter_;
  std::vector<unsigned> parameters_;
};

/// A lossy filter on the values themselves. Stream: nothing for no values, else u8 form: 0 as zstd has it, 1 filtered:
/// varint number of values (some filters would fill up what is missing), then as put_filtered.
class LossyFilterCodec : public ColumnCodec {
 public:
  explicit LossyFilterCodec(const KnownFilter& filter) : filter_(filter) {}

  [[nodiscard]] ByteVector encode(const ColumnTask& task, ByteSpan values) const override {
    if (values.empty()) return {};
    ByteWriter out;
    FilterSetup setup;
    ByteVector copy;
    if (prepare(task, values, setup, copy)) {
      const ByteVector chunk = hdf5::library().filter_chunk(setup, copy);
      if (!chunk.empty()) {
        out.put<std::uint8_t>(filtered);
        out.put_varint(task.values);
        put_filtered(out, setup, chunk);
        return out.take();
      }
    }
    out.put<std::uint8_t>(packed);
    out.put_bytes(fallback_.encode(task, values));
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
    if (form != filtered || task.type.kind == ScalarKind::Bool || task.type.size < 4)
      fail_input("damaged column stream: unknown form " + std::to_string(form));
    if (in.get_varint() != task.values) fail_input("damaged column stream: another number of values");
    FilterSetup setup = setup_for(task);
    const ByteSpan chunk = get_filtered(in, setup);
    ByteVector values(task.values * task.type.size);
    hdf5::library().unfilter_chunk(setup, chunk, values);
    return values;
  }

 private:
  enum Form : std::uint8_t { packed = 0, filtered = 1 };

  [[nodiscard]] FilterSetup setup_for(const ColumnTask& task) const {
    return {filter_.id, {}, false, task.type, array_extents(task, filter_.most_rank)};
  }

  /// False where the filter has no mode for this column and bound.
  [[nodiscard]] bool prepare(const ColumnTask& task, ByteSpan values, FilterSetup& setup, ByteVector& copy) const {
    if (task.type.kind == ScalarKind::Bool || task.type.kind == ScalarKind::UInt || task.type.size < 4) return false;
    setup = setup_for(task);
    if (setup.extents.size() < filter_.least_rank ||
        *std::min_element(setup.extents.begin(), setup.extents.end()) < filter_.least_extent)
      return false;
    if (task.bound.kind == BoundKind::Abs && task.type.is_float()) {
      const double tolerance = task.bound.epsilon * encoder_margin;
      copy = finite_copy(task.type, values);
      setup.parameters = filter_.tolerance_parameters(tolerance);
      if (worth_a_tolerance(task.type, copy, tolerance)) return true;
    } else if (task.bound.kind != BoundKind::Lossless) {
      return false;
    }
    copy.assign(values.begin(), values.end());
    setup.parameters = filter_.reversible_parameters;
    return !setup.parameters.empty();
  }

  const KnownFilter& filter_;
  PackedCodec fallback_{make_zstd_compressor(3)};
};

class Hdf5Method : public ColumnMethod {
 public:
  Hdf5Method(const KnownFilter& filter, hdf5::PluginFile plugin) : filter_(filter), plugin_(std::move(plugin)) {}
  [[nodiscard]] std::string name() const override { return prefix + filter_.name; }
  [[nodiscard]] std::string description() const override {
    return filter_.description + (filter_.lossy() ? "; columns that it does not hold go to zstd" : "");
  }
  [[nodiscard]] bool supports(BoundKind kind) const override {
    if (!filter_.lossy()) return kind != BoundKind::None;
    return kind == BoundKind::Abs || kind == BoundKind::Range ||
           (kind == BoundKind::Lossless && !filter_.reversible_parameters.empty());
  }
  [[nodiscard]] std::vector<OptionInfo> options() const override { return filter_.options; }
  [[nodiscard]] std::string version() const override {
    std::string why;
    const hdf5::Library* library = hdf5::load_library(why);
    return library == nullptr ? plugin_.package : plugin_.package + ", " + library->version();
  }
  [[nodiscard]] std::string unavailable_reason() const override {
    std::string why;
    const hdf5::Library* library = hdf5::load_library(why);
    if (library == nullptr) return why;
    if (loads(*library)) return {};
    return "the plug-in " + plugin_.folder + "/" + plugin_.file + " does not load into " + library->version();
  }
  [[nodiscard]] std::string inapplicable_reason(const Schema& schema) const override {
    if (filter_.least_rank < 2) return {};
    const bool any = std::any_of(schema.columns.begin(), schema.columns.end(), [](const ColumnInfo& c) {
      return c.layout == Layout::FixedShape && c.dtype.is_float() && c.dtype.size >= 4;
    });
    return any ? "" : name() + " needs a field of floats: it works on two or three dimensions";
  }

 protected:
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_codec(const MethodSpec& spec) const override {
    if (filter_.lossy()) return std::make_unique<LossyFilterCodec>(filter_);
    return std::make_unique<PackedCodec>(
        std::make_unique<FilterCompressor>(filter_, filter_.lossless_parameters(spec)));
  }
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_decoding_codec() const override { return make_codec({}); }

 private:
  /// Loads the plug-in, once, when it is first asked for.
  [[nodiscard]] bool loads(const hdf5::Library& library) const {
    std::call_once(once_, [this, &library] {
      library.add_plugin_folder(plugin_.folder);
      loads_ = library.filter_loads(filter_.id);
    });
    return loads_;
  }
  const KnownFilter& filter_;
  hdf5::PluginFile plugin_;
  mutable std::once_flag once_;
  mutable bool loads_ = false;
};

}  // namespace

std::vector<std::unique_ptr<Method>> make_hdf5_methods() {
  std::vector<std::unique_ptr<Method>> methods;
  const auto plugins = hdf5::find_plugins(hdf5::plugin_folders());
  for (const KnownFilter& filter : hdf5::known_filters())
    for (const std::string& file_name : filter.file_names)
      if (const auto found = plugins.find(file_name); found != plugins.end()) {
        methods.push_back(std::make_unique<Hdf5Method>(filter, found->second));
        break;
      }
  return methods;
}

std::string missing_hdf5_method(const std::string& name) {
  const auto& filters = hdf5::known_filters();
  const bool known =
      std::any_of(filters.begin(), filters.end(), [&](const KnownFilter& f) { return prefix + f.name == name; });
  if (!known) return {};
  return "method " + name +
         " needs an HDF5 filter plug-in that was not found; get it with 'pip install hdf5plugin', or " +
         "name its folder in HDF5_PLUGIN_PATH";
}

}  // namespace haywatt
