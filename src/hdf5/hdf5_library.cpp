#include "codec/classical/hdf5_library.hpp"

#include <H5PLextern.h>
#include <hdf5.h>

#include <array>
#include <mutex>
#include <utility>

#include "haywatt/base/error.hpp"

namespace haywatt::hdf5 {
namespace {

/// Owns an HDF5 identifier.
class Handle {
 public:
  Handle(hid_t id, herr_t (*closer)(hid_t)) : id_(id), close_(closer) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] bool valid() const { return id_ >= 0; }
  /// Closes now; false if that failed (data are written out then).
  bool close() { return close_(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// First in the pipeline, so last on the way back: refuses a chunk that a filter decoded to too few bytes, which the
/// library would read beyond. Its parameters are the low and high half of the size.
constexpr H5Z_filter_t guard_id = 511;  // 256 to 511 are free for use within a program
std::size_t guard_filter(unsigned flags, std::size_t count, const unsigned* parameters, std::size_t bytes, std::size_t*,
                         void**) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return bytes;
  if (count != 2) return 0;
  const std::uint64_t expected = parameters[0] | (std::uint64_t{parameters[1]} << 32);
  return bytes == expected ? bytes : 0;
}

/// The innermost message on the library's error stack.
std::string last_error() {
  std::string message = "no message";
  const auto first = [](unsigned n, const H5E_error2_t* e, void* out) -> herr_t {
    if (n == 0 && e->desc != nullptr) *static_cast<std::string*>(out) = e->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &message);
  for (char& c : message)
    if (c == '\n') c = ' ';
  return message;
}

/// Holds the mutex; the first one prepares the library.
class Session {
 public:
  Session() : lock_(mutex()) {
    static const bool ready = [] {
      H5open();
      H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
      static const H5Z_class2_t guard{H5Z_CLASS_T_VERS,     guard_id, 1,       1,
                                      "haywatt size guard", nullptr,  nullptr, guard_filter};
      return H5Zregister(&guard) >= 0;
    }();
    if (!ready) fail_system("the HDF5 library cannot be started: " + last_error());
    H5Eclear2(H5E_DEFAULT);
  }

 private:
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
  std::lock_guard<std::mutex> lock_;
};

hid_t native_type(const DType& type) {
  if (type.is_float()) return type.size == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  const bool is_signed = type.kind == ScalarKind::Int;
  switch (type.size) {
    case 1:
      return is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2:
      return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4:
      return is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    default:
      return is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  }
}

/// A file in memory with one dataset of one chunk.
class MemoryFile {
 public:
  MemoryFile(const FilterSetup& setup, std::uint64_t bytes, ErrorKind on_failure)
      : access_(H5Pcreate(H5P_FILE_ACCESS), H5Pclose), file_(create_file(), H5Fclose), on_failure_(on_failure) {
    if (!file_.valid()) fail("cannot make a file in memory");
    const std::vector<hsize_t> extents(setup.extents.begin(), setup.extents.end());
    const int rank = static_cast<int>(extents.size());
    const Handle space(H5Screate_simple(rank, extents.data(), nullptr), H5Sclose);
    const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const std::array<unsigned, 2> size{static_cast<unsigned>(bytes), static_cast<unsigned>(bytes >> 32)};
    bool ok = space.valid() && creation.valid() && H5Pset_chunk(creation.get(), rank, extents.data()) >= 0 &&
              H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER) >= 0 &&
              H5Pset_filter(creation.get(), guard_id, H5Z_FLAG_MANDATORY, 2, size.data()) >= 0;
    if (setup.shuffle) ok = ok && H5Pset_shuffle(creation.get()) >= 0;
    // Optional: a lossless filter may decline; filter_chunk then sees it in the chunk's filter mask.
    ok = ok && H5Pset_filter(creation.get(), setup.id, H5Z_FLAG_OPTIONAL, setup.parameters.size(),
                             setup.parameters.data()) >= 0;
    if (!ok) fail("cannot set up the filter");
    Handle made(
        H5Dcreate2(file_.get(), name, native_type(setup.type), space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
        H5Dclose);
    if (!made.valid() || !made.close()) fail("the filter refuses this array");
  }

  [[nodiscard]] hid_t open() const {
    const hid_t dataset = H5Dopen2(file_.get(), name, H5P_DEFAULT);
    if (dataset < 0) fail("cannot open the array");
    return dataset;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(on_failure_, "HDF5: " + what + ": " + last_error());
  }

 private:
  static constexpr const char* name = "x";
  [[nodiscard]] hid_t create_file() const {
    constexpr std::size_t growth = std::size_t{1} << 20;
    if (!access_.valid() || H5Pset_fapl_core(access_.get(), growth, 0) < 0) return H5I_INVALID_HID;
    return H5Fcreate("haywatt-in-memory", H5F_ACC_TRUNC, H5P_DEFAULT, access_.get());
  }
  Handle access_;
  Handle file_;
  ErrorKind on_failure_;
};

constexpr std::uint64_t largest_chunk = 0xFFFFFFFF;  // HDF5's own limit
constexpr std::array<hsize_t, 32> origin{};

std::string library_version() {
  const Session session;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return "HDF5 " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

void add_plugin_folder(const std::string& folder) {
  const Session session;
  if (H5PLprepend(folder.c_str()) < 0) fail_system("HDF5 does not take the plug-in folder " + folder);
}

bool filter_loads(int id) {
  const Session session;
  return H5Zfilter_avail(id) > 0;
}

ByteVector filter_chunk(const FilterSetup& setup, ByteSpan values) {
  if (values.size() > largest_chunk) fail_usage("HDF5 chunks end at 4 GiB; use fewer rows a chunk");
  const Session session;
  const MemoryFile file(setup, values.size(), ErrorKind::System);
  {
    Handle dataset(file.open(), H5Dclose);
    if (H5Dwrite(dataset.get(), native_type(setup.type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
      file.fail("the filter failed");
    if (!dataset.close()) file.fail("the filter failed");
  }
  const Handle dataset(file.open(), H5Dclose);
  hsize_t size = 0;
  if (H5Dget_chunk_storage_size(dataset.get(), origin.data(), &size) < 0) file.fail("no chunk was written");
  ByteVector chunk(size);
  std::uint32_t skipped = 0;
  if (H5Dread_chunk(dataset.get(), H5P_DEFAULT, origin.data(), &skipped, chunk.data()) < 0)
    file.fail("cannot read the chunk");
  if (skipped != 0) chunk.clear();
  return chunk;
}

void unfilter_chunk(const FilterSetup& setup, ByteSpan chunk, std::span<std::byte> out) {
  if (out.size() > largest_chunk || chunk.size() > largest_chunk || chunk.empty())
    fail_input("damaged HDF5 chunk: its size is out of range");
  const Session session;
  const MemoryFile file(setup, out.size(), ErrorKind::BadInput);
  {
    const Handle dataset(file.open(), H5Dclose);
    if (H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, origin.data(), chunk.size(), chunk.data()) < 0)
      file.fail("cannot place the chunk");
  }
  const Handle dataset(file.open(), H5Dclose);
  if (H5Dread(dataset.get(), native_type(setup.type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()) < 0)
    file.fail("damaged chunk");
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const Library* haywatt_hdf5_v1() {
  static constexpr Library library{library_version, add_plugin_folder, filter_loads, filter_chunk, unfilter_chunk};
  return &library;
}

}  // namespace haywatt::hdf5
