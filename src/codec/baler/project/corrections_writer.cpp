#include <algorithm>
#include <array>

#include "codec/baler/pickle/opcodes.hpp"
#include "codec/baler/project/corrections.hpp"
#include "data/npy_header.hpp"
#include "haywatt/data/gzip_file.hpp"

namespace haywatt::baler {
namespace {

namespace op = pickle::op;

/// Writes protocol 3 as CPython's pickler does for numpy arrays of objects, byte for byte, so that a file of ours and
/// one of Baler's can be compared as they are.
class ObjectArrayWriter {
 public:
  /// Begins the .npy of an object array and its pickle, up to the list of its items.
  ObjectArrayWriter(const std::string& path, AtomicFile::Existing existing, std::vector<std::uint64_t> shape)
      : file_(std::make_unique<GzipFileWriter>(path, existing)) {
    w_.put_bytes(as_byte_span(data::make_npy_header("|O", false, shape)));
    raw({op::proto, 3});
    global("numpy.core.multiarray _reconstruct");
    global("numpy ndarray");
    raw({op::bin_int1, 0, op::tuple1});
    put();
    bytes(as_byte_span("b"));
    raw({op::tuple3});
    put();
    raw({op::reduce});
    put();
    raw({op::mark, op::bin_int1, 1});
    for (const std::uint64_t n : shape) integer(n);
    raw({shape.size() == 1 ? op::tuple1 : op::tuple2});
    put();
    global("numpy dtype");
    dtype_global_ = memo_ - 1;
    dtype("O8", "|", 63);
    raw({op::new_false});
    std::size_t items = 1;
    for (const std::uint64_t n : shape) items *= static_cast<std::size_t>(n);
    begin_list(items);
  }

  /// Items come in groups of a thousand, as the pickler's batches; the only item of a list without a group.
  void begin_item() {
    if (open_.back().in_group == 0 && open_.back().items > 1) raw({op::mark});
    ++open_.back().in_group;
  }
  void end_item() {
    if (open_.back().in_group == 1000) end_group();
  }
  void begin_list(std::size_t items) {
    raw({op::empty_list});
    put();
    open_.push_back({items, 0});
  }
  void end_list() {
    end_group();
    open_.pop_back();
  }

  void integer(std::uint64_t v) {
    if (v < 256) {
      raw({op::bin_int1, static_cast<std::uint8_t>(v)});
    } else if (v < 65536) {
      raw({op::bin_int2});
      w_.put(static_cast<std::uint16_t>(v));
    } else if (v <= INT32_MAX) {
      raw({op::bin_int});
      w_.put(static_cast<std::int32_t>(v));
    } else {
      raw({op::long1, 8});
      w_.put(v);
    }
  }

  void half(Half h) {
    if (scalar_global_ == none) {
      global("numpy.core.multiarray scalar");
      scalar_global_ = memo_ - 1;
      get(dtype_global_);
      dtype("f2", "<", 0);
      half_dtype_ = last_dtype_;
    } else {
      get(scalar_global_);
      get(half_dtype_);
    }
    bytes(std::as_bytes(std::span(&h.bits, 1)));
    raw({op::tuple2});
    put();
    raw({op::reduce});
    put();
    flush_if_large();
  }

  void int64_array(const std::vector<std::int64_t>& values) {
    get(0);
    get(1);
    raw({op::bin_int1, 0, op::tuple1});
    put();
    get(3);
    raw({op::tuple3});
    put();
    raw({op::reduce});
    put();
    raw({op::mark, op::bin_int1, 1});
    integer(values.size());
    raw({op::tuple1});
    put();
    if (int64_dtype_ == none) {
      get(dtype_global_);
      dtype("i8", "<", 0);
      int64_dtype_ = last_dtype_;
    } else {
      get(int64_dtype_);
    }
    raw({op::new_false});
    bytes(std::as_bytes(std::span(values)));
    raw({op::tuple});
    put();
    raw({op::build});
    flush_if_large();
  }
  void pair() {
    raw({op::tuple2});
    put();
  }

  std::unique_ptr<GzipFileWriter> finish() {
    end_group();
    raw({op::tuple});
    put();
    raw({op::build, op::stop});
    flush();
    file_->finish();
    return std::move(file_);
  }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  void raw(std::initializer_list<std::uint8_t> bytes) {
    for (const std::uint8_t b : bytes) w_.put(b);
  }
  void put() {
    if (memo_ < 256) {
      raw({op::bin_put, static_cast<std::uint8_t>(memo_)});
    } else {
      raw({op::long_bin_put});
      w_.put(memo_);
    }
    ++memo_;
  }
  void get(std::uint32_t at) {
    if (at < 256) {
      raw({op::bin_get, static_cast<std::uint8_t>(at)});
    } else {
      raw({op::long_bin_get});
      w_.put(at);
    }
  }
  void global(std::string_view module_and_name) {
    raw({op::global});
    std::string lines(module_and_name);
    std::replace(lines.begin(), lines.end(), ' ', '\n');
    w_.put_bytes(as_byte_span(lines + '\n'));
    put();
  }
  void text(std::string_view s) {
    raw({op::bin_unicode});
    w_.put(static_cast<std::uint32_t>(s.size()));
    w_.put_bytes(as_byte_span(s));
    put();
  }
  void bytes(ByteSpan b) {
    // The empty bytes object is one for all of Python, so it is recalled, not repeated.
    if (b.empty() && empty_bytes_ != none) return get(empty_bytes_);
    if (b.size() < 256) {
      raw({op::short_bin_bytes, static_cast<std::uint8_t>(b.size())});
    } else {
      raw({op::bin_bytes});
      w_.put(static_cast<std::uint32_t>(b.size()));
    }
    w_.put_bytes(b);
    if (b.empty()) empty_bytes_ = memo_;
    put();
  }
  /// dtype(name, False, True) with its state; the global is on the stack.
  void dtype(std::string_view name, std::string_view order, std::uint8_t flags) {
    text(name);
    raw({op::new_false, op::new_true, op::tuple3});
    put();
    raw({op::reduce});
    last_dtype_ = memo_;
    put();
    raw({op::mark, op::bin_int1, 3});
    text(order);
    raw({op::none, op::none, op::none});
    for (int i = 0; i < 2; ++i) {
      raw({op::bin_int});
      w_.put(std::int32_t{-1});
    }
    raw({op::bin_int1, flags, op::tuple});
    put();
    raw({op::build});
  }
  void end_group() {
    if (open_.back().in_group > 0) raw({open_.back().items == 1 ? op::append : op::appends});
    open_.back().in_group = 0;
  }
  void flush() {
    file_->write(w_.view());
    w_ = {};
  }
  void flush_if_large() {
    if (w_.size() > (std::size_t{256} << 10)) flush();
  }

  std::unique_ptr<GzipFileWriter> file_;
  ByteWriter w_;
  std::uint32_t memo_ = 0, dtype_global_ = none, last_dtype_ = none, scalar_global_ = none, half_dtype_ = none,
                int64_dtype_ = none, empty_bytes_ = none;
  struct OpenList {
    std::size_t items, in_group;
  };
  std::vector<OpenList> open_;
};

/// Corrections [first, last) of one batch.
struct Batch {
  std::uint64_t number;
  std::size_t first, last;
};

std::vector<Batch> cut(const Corrections& c, const CorrectionShape& shape, bool with_empty) {
  std::vector<Batch> batches;
  std::size_t at = 0;
  for (std::uint64_t b = 0; b < shape.batches(); ++b) {
    const std::uint64_t end = (b + 1) * shape.batch_size * shape.columns;
    const auto last = static_cast<std::size_t>(
        std::lower_bound(c.positions.begin() + static_cast<std::ptrdiff_t>(at), c.positions.end(), end) -
        c.positions.begin());
    if (with_empty || last > at) batches.push_back({b, at, last});
    at = last;
  }
  return batches;
}

std::size_t most_in(const std::vector<Batch>& batches) {
  std::size_t most = 0;
  for (const Batch& b : batches) most = std::max(most, b.last - b.first);
  return most;
}

std::unique_ptr<GzipFileWriter> write_plain(const std::string& path, const Corrections& c,
                                            const std::vector<Batch>& batches, std::size_t most,
                                            AtomicFile::Existing existing) {
  auto file = std::make_unique<GzipFileWriter>(path, existing);
  const std::array<std::uint64_t, 2> shape = {batches.size(), most};
  file->write(as_byte_span(data::make_npy_header("<f2", false, shape)));
  std::vector<Half> row;
  for (const Batch& b : batches) {
    row.assign(c.values.begin() + static_cast<std::ptrdiff_t>(b.first),
               c.values.begin() + static_cast<std::ptrdiff_t>(b.last));
    row.resize(most);
    file->write(std::as_bytes(std::span(row)));
  }
  file->finish();
  return file;
}

std::unique_ptr<GzipFileWriter> write_ragged(const std::string& path, const Corrections& c,
                                             const std::vector<Batch>& batches, AtomicFile::Existing existing) {
  ObjectArrayWriter w(path, existing, {batches.size()});
  for (const Batch& b : batches) {
    w.begin_item();
    w.begin_list(b.last - b.first);
    for (std::size_t i = b.first; i < b.last; ++i) {
      w.begin_item();
      w.half(c.values[i]);
      w.end_item();
    }
    w.end_list();
    w.end_item();
  }
  return w.finish();
}

std::unique_ptr<GzipFileWriter> write_index(const std::string& path, const Corrections& c, const CorrectionShape& shape,
                                            const std::vector<Batch>& batches, std::size_t padded_to,
                                            AtomicFile::Existing existing) {
  ObjectArrayWriter w(path, existing, {2, batches.size()});
  for (const Batch& b : batches) {
    w.begin_item();
    w.integer(b.number);
    w.end_item();
  }
  std::vector<std::int64_t> rows, columns;
  for (const Batch& b : batches) {
    rows.clear();
    columns.clear();
    for (std::size_t i = b.first; i < b.last; ++i) {
      rows.push_back(static_cast<std::int64_t>(c.positions[i] / shape.columns % shape.batch_size));
      columns.push_back(static_cast<std::int64_t>(c.positions[i] % shape.columns));
    }
    rows.resize(std::max(rows.size(), padded_to), 0);
    columns.resize(rows.size(), 0);
    w.begin_item();
    w.int64_array(rows);
    w.int64_array(columns);
    w.pair();
    w.end_item();
  }
  return w.finish();
}

std::string beside(const std::string& npz, const std::string& what) {
  const std::string stem = npz.ends_with(".npz") ? npz.substr(0, npz.size() - 4) : npz;
  return stem + what;
}

}  // namespace

std::string deltas_path(const std::string& npz) { return beside(npz, "_deltas.npz.gz"); }
std::string index_path(const std::string& npz) { return beside(npz, "_batch_index_metadata.npz.gz"); }

PendingCorrections write_corrections(const std::string& npz, const Corrections& c, const CorrectionShape& shape,
                                     CorrectionLayout layout, AtomicFile::Existing existing) {
  const bool as_baler = layout == CorrectionLayout::AsBaler;
  const std::vector<Batch> batches = cut(c, shape, as_baler);
  const std::size_t most = most_in(batches);
  const bool even =
      std::all_of(batches.begin(), batches.end(), [&](const Batch& b) { return b.last - b.first == most; });
  PendingCorrections pending;
  pending.deltas = as_baler && !even ? write_ragged(deltas_path(npz), c, batches, existing)
                                     : write_plain(deltas_path(npz), c, batches, most, existing);
  pending.index = write_index(index_path(npz), c, shape, batches, as_baler ? 0 : most, existing);
  return pending;
}

}  // namespace haywatt::baler
