#include <algorithm>
#include <array>
#include <numeric>

#include "codec/baler/pickle/machine.hpp"
#include "codec/baler/project/corrections.hpp"
#include "data/checked.hpp"
#include "data/npy_header.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/gzip_file.hpp"

namespace haywatt::baler {
namespace {

using pickle::Kind;
using pickle::Pickle;
using pickle::Value;

enum NumpyGlobal : std::uint8_t { Ndarray, Dtype, Reconstruct, Reconstruct2, Scalar, Scalar2 };

// numpy 2 calls its own modules by other names.
constexpr std::array<pickle::Global, 6> allowed = {{{"numpy", "ndarray"},
                                                    {"numpy", "dtype", true, true},
                                                    {"numpy.core.multiarray", "_reconstruct", true, true},
                                                    {"numpy._core.multiarray", "_reconstruct", true, true},
                                                    {"numpy.core.multiarray", "scalar", true, false},
                                                    {"numpy._core.multiarray", "scalar", true, false}}};

/// An .npy of numbers or of objects.
struct NpyFile {
  std::string what;
  ByteSpan bytes;
  data::NpyHeader header;
  bool objects = false;

  NpyFile(ByteSpan file, const std::string& path) : what(path), bytes(file) {
    ByteReader r(bytes, path);
    if (!as_text(r.get_bytes(6)).starts_with("\x93NUMPY")) fail_input(path + " is not a numpy array");
    const auto version = r.get<std::uint8_t>();
    static_cast<void>(r.get<std::uint8_t>());
    const std::uint64_t length = version == 1 ? r.get<std::uint16_t>() : r.get<std::uint32_t>();
    header = data::parse_npy_literal(as_text(r.get_bytes(length)), path);
    header.data_offset = bytes.size() - r.remaining();
    objects = header.descr == "|O" || header.descr == "O";
    if (!data::padded_bytes(header.shape, 8)) fail_input(path + " is damaged: its shape is absurd");
  }
  [[nodiscard]] ByteSpan body() const { return bytes.subspan(static_cast<std::size_t>(header.data_offset)); }
  [[nodiscard]] Pickle pickle() const {
    pickle::Limits limits;
    limits.opcodes = bytes.size();  // each takes a byte
    return Pickle(body(), allowed, what, limits);
  }
};

bool is_dtype(const Pickle& p, const Value& v, std::string_view name) {
  const pickle::Object& dtype = p.made_by(v, Dtype);
  const auto arguments = p.items(dtype.arguments);
  if (arguments.empty() || p.string(arguments[0]) != name) return false;
  const auto state = p.sequence(dtype.state, Kind::Tuple);
  return state.size() >= 2 && state[1].kind == Kind::Text && p.text(state[1]) != ">";
}

/// The state of an array: version, shape, dtype, Fortran order, then bytes or a list.
struct ArrayState {
  std::vector<std::uint64_t> shape;
  Value dtype, content;
  bool fortran = false;
};

ArrayState array_state(const Pickle& p, const Value& v) {
  if (v.kind != Kind::Object || (v.global != Reconstruct && v.global != Reconstruct2))
    p.fail("is damaged: an array is missing");
  const auto state = p.sequence(p.object(v).state, Kind::Tuple);
  if (state.size() != 5) p.fail("is damaged: an array's state is not whole");
  ArrayState a;
  for (const Value& n : p.sequence(state[1], Kind::Tuple)) {
    const std::int64_t size = p.integer(n);
    if (size < 0) p.fail("is damaged: an array's shape is absurd");
    a.shape.push_back(static_cast<std::uint64_t>(size));
  }
  a.dtype = state[2];
  a.fortran = p.integer(state[3]) != 0;
  a.content = state[4];
  return a;
}

std::span<const Value> object_items(const Pickle& p, const std::vector<std::uint64_t>& shape) {
  const ArrayState a = array_state(p, p.root());
  if (a.shape != shape || !is_dtype(p, a.dtype, "O8") || (a.fortran && shape.size() > 1))
    p.fail("is damaged: it is not the array of objects that its header says");
  const auto items = p.sequence(a.content, Kind::List);
  if (!data::padded_bytes(shape, 1) || items.size() != data::product(shape))
    p.fail("is damaged: the array has other items than its shape says");
  return items;
}

std::vector<std::int64_t> int64_items(const Pickle& p, const Value& v) {
  const ArrayState a = array_state(p, v);
  if (a.shape.size() != 1 || !is_dtype(p, a.dtype, "i8") || a.content.kind != Kind::Bytes)
    p.fail("is damaged: an index is not an array of whole numbers");
  const ByteSpan raw = as_byte_span(p.text(a.content));
  if (raw.size() % 8 != 0 || raw.size() / 8 != a.shape[0]) p.fail("is damaged: an index is not as long as it says");
  std::vector<std::int64_t> values(raw.size() / 8);
  if (!raw.empty()) std::memcpy(values.data(), raw.data(), raw.size());
  return values;
}

struct BatchIndex {
  std::uint64_t batch;
  std::vector<std::int64_t> rows, columns;
};

std::vector<BatchIndex> read_index(ByteSpan bytes, const std::string& path, const CorrectionShape& shape) {
  const NpyFile file(bytes, path);
  if (!file.objects || file.header.shape.size() != 2 || file.header.shape[0] != 2)
    fail_input(path + " is not Baler's index: two rows of objects, batches and places");
  const Pickle p = file.pickle();
  const auto items = object_items(p, file.header.shape);
  const std::size_t count = items.size() / 2;
  std::vector<BatchIndex> index;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t batch = p.integer(items[i]);
    if (batch < 0 || static_cast<std::uint64_t>(batch) >= shape.batches())
      p.fail("names batch " + std::to_string(batch) + ", the data have " + std::to_string(shape.batches()) +
             " (batch_size " + std::to_string(shape.batch_size) + ")");
    const auto places = p.sequence(items[count + i], Kind::Tuple);
    if (places.size() != 2) p.fail("is damaged: a batch's places are not two arrays");
    index.push_back({static_cast<std::uint64_t>(batch), int64_items(p, places[0]), int64_items(p, places[1])});
    if (index.back().rows.size() != index.back().columns.size())
      p.fail("is damaged: a batch has more rows than columns");
  }
  return index;
}

Half half_of(const Pickle& p, const Value& v, std::uint64_t& known_dtype) {
  if (v.kind != Kind::Object || (v.global != Scalar && v.global != Scalar2)) p.fail("is damaged: a number is missing");
  const auto arguments = p.items(p.object(v).arguments);
  if (arguments.size() != 2 || arguments[0].kind != Kind::Object || arguments[1].kind != Kind::Bytes ||
      arguments[1].length != 2)
    p.fail("holds something else than float16 numbers");
  if (arguments[0].index != known_dtype) {
    if (!is_dtype(p, arguments[0], "f2")) p.fail("holds something else than float16 numbers");
    known_dtype = arguments[0].index;
  }
  return load<Half>(as_byte_span(p.text(arguments[1])).data());
}

/// A list of numbers for each of `batches` batches.
std::vector<std::vector<Half>> read_deltas(ByteSpan bytes, const std::string& path, std::size_t batches) {
  const NpyFile file(bytes, path);
  const auto& shape = file.header.shape;
  if (shape.empty() || shape[0] != batches || shape.size() > 2)
    fail_input(path + " holds the corrections of another number of batches than its index");
  std::vector<std::vector<Half>> deltas(batches);
  if (file.objects && shape.size() == 1) {
    const Pickle p = file.pickle();
    const auto lists = object_items(p, shape);
    std::uint64_t known_dtype = UINT64_MAX;
    for (std::size_t b = 0; b < batches; ++b)
      for (const Value& v : p.sequence(lists[b], Kind::List)) deltas[b].push_back(half_of(p, v, known_dtype));
    return deltas;
  }
  const std::uint64_t count = shape.size() == 2 ? shape[1] : 0;
  if (count == 0) return deltas;  // numpy makes floats of no numbers
  const ByteSpan body = file.body();
  if (file.header.descr != "<f2" || (file.header.fortran_order && batches > 1))
    fail_input(path + " holds something else than float16 numbers");
  if (body.size() % 2 != 0 || body.size() / 2 / count != batches || body.size() / 2 % count != 0)
    fail_input(path + " is truncated or damaged: not as many numbers as its shape says");
  for (std::size_t b = 0; b < batches; ++b) {
    deltas[b].resize(static_cast<std::size_t>(count));
    std::memcpy(deltas[b].data(), body.data() + b * count * 2, static_cast<std::size_t>(count) * 2);
  }
  return deltas;
}

/// What the files can need for this table: a pickled scalar takes 25 bytes, an index 16 a place, and places seldom
/// occur twice.
std::uint64_t most_bytes(const CorrectionShape& shape) {
  return (std::uint64_t{1} << 20) + 1024 * shape.batches() + 64 * shape.rows * shape.columns;
}

}  // namespace

Corrections read_corrections(const std::string& npz, const CorrectionShape& shape) {
  const std::uint64_t limit = most_bytes(shape);
  const ByteVector index = read_gzip_file(index_path(npz), limit), deltas = read_gzip_file(deltas_path(npz), limit);
  return parse_corrections(deltas, deltas_path(npz), index, index_path(npz), shape);
}

Corrections parse_corrections(ByteSpan deltas_bytes, const std::string& path, ByteSpan index_bytes,
                              const std::string& index_name, const CorrectionShape& shape) {
  const std::vector<BatchIndex> index = read_index(index_bytes, index_name, shape);
  const auto deltas = read_deltas(deltas_bytes, path, index.size());
  Corrections c;
  bool rising = true;
  for (std::size_t b = 0; b < index.size(); ++b) {
    if (deltas[b].size() != index[b].rows.size())
      fail_input(path + " has " + std::to_string(deltas[b].size()) + " corrections for batch " +
                 std::to_string(index[b].batch) + ", its index " + std::to_string(index[b].rows.size()));
    const std::uint64_t first_row = index[b].batch * shape.batch_size;
    const std::uint64_t rows = std::min(shape.batch_size, shape.rows - first_row);
    for (std::size_t i = 0; i < deltas[b].size(); ++i) {
      const auto row = static_cast<std::uint64_t>(index[b].rows[i]),
                 column = static_cast<std::uint64_t>(index[b].columns[i]);
      if (row >= rows || column >= shape.columns)
        fail_input(index_name + " names a place outside its batch of " + std::to_string(rows) + " rows and " +
                   std::to_string(shape.columns) + " columns");
      // A zero that only fills up is none.
      if ((deltas[b][i].bits & 0x7fffU) == 0 && row == 0 && column == 0) continue;
      const std::uint64_t position = (first_row + row) * shape.columns + column;
      rising = rising && (c.positions.empty() || c.positions.back() <= position);
      c.positions.push_back(position);
      c.values.push_back(deltas[b][i]);
    }
  }
  if (rising) return c;
  std::vector<std::size_t> order(c.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return c.positions[a] < c.positions[b]; });
  Corrections sorted;
  for (const std::size_t i : order) {
    sorted.positions.push_back(c.positions[i]);
    sorted.values.push_back(c.values[i]);
  }
  return sorted;
}

}  // namespace haywatt::baler
