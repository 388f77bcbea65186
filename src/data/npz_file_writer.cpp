#include <zlib.h>

#include <algorithm>
#include <new>

#include "data/checked.hpp"
#include "data/descr.hpp"
#include "data/inflate.hpp"
#include "data/npy_header.hpp"
#include "data/utf8.hpp"
#include "data/zip_layout.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/npz_arrays.hpp"

namespace haywatt {

struct NpzFileWriter::Parts {
  Parts(const std::string& path, Packing how, AtomicFile::Existing existing)
      : file(path, existing), packing_of_file(how), packing(how) {}
  AtomicFile file;
  data::ZipLayout layout;
  Packing packing_of_file, packing;
  bool open = false, finished = false;
  std::size_t member = 0;
  std::uint64_t expected = 0, done = 0, packed = 0;
  std::uint32_t crc = 0;

  void start(const std::string& key, std::uint64_t bytes, Packing how) {
    close();
    packing = how;
    const std::string name = key + ".npy";
    member = how == Packing::Stored ? layout.add(name, bytes) : layout.add_deflated(name, bytes);
    expected = bytes;
    done = packed = 0;
    crc = 0;
    open = true;
  }

  void put(ByteSpan values, ByteSpan as_packed) {
    if (values.size() > expected - done) fail_input("more values than the shape of the array says");
    crc = data::crc32_update(crc, values);
    file.write_at(layout.data_offset(member) + packed, as_packed);
    done += values.size();
    packed += as_packed.size();
  }

  void close() {
    if (!open) return;
    if (done != expected)
      fail_input("an array ended after " + std::to_string(done) + " of " + std::to_string(expected) + " bytes");
    if (packing == Packing::Deflated) {
      static constexpr std::byte empty_final_block[] = {std::byte{3}, std::byte{0}};
      file.write_at(layout.data_offset(member) + packed, empty_final_block);
      layout.set_packed(member, packed + sizeof empty_final_block);
    }
    layout.set_crc(member, crc);
    file.write_at(layout.local_offset(member), layout.local_header(member));
    open = false;
  }
};

NpzFileWriter::NpzFileWriter(const std::string& path, Packing packing, AtomicFile::Existing existing)
    : parts_(std::make_unique<Parts>(path, packing, existing)) {}
NpzFileWriter::~NpzFileWriter() = default;

void NpzFileWriter::begin(const std::string& key, const DType& type, const std::vector<std::uint64_t>& shape,
                          std::optional<Packing> packing) {
  const std::string header = data::make_npy_header(data::make_descr(type), false, shape);
  const auto bytes = data::padded_bytes(shape, type.size);
  if (!bytes) fail_input("the shape of array " + data::quoted_name(key) + " is absurd");
  parts_->start(key, header.size() + data::product(shape) * type.size, packing.value_or(parts_->packing_of_file));
  write(as_byte_span(header));
}

void NpzFileWriter::write(ByteSpan values) {
  if (parts_->packing == Packing::Stored) {
    parts_->put(values, values);
  } else {
    parts_->put(values, deflate_piece(values));
  }
}

void NpzFileWriter::write_packed(ByteSpan values, ByteSpan packed) { parts_->put(values, packed); }

void NpzFileWriter::copy(const std::string& key, ByteSpan npy) {
  parts_->start(key, npy.size(), parts_->packing_of_file);
  write(npy);
}

NpzFileWriter::Packing NpzFileWriter::packing() const { return parts_->packing; }

std::uint64_t NpzFileWriter::bytes() const { return parts_->file.size(); }

void NpzFileWriter::finish() {
  if (parts_->finished) return;
  parts_->close();
  parts_->file.write_at(parts_->layout.directory_offset(), parts_->layout.directory());
  parts_->finished = true;
}

void NpzFileWriter::commit() {
  finish();
  parts_->file.commit();
}

ByteVector NpzFileWriter::deflate_piece(ByteSpan values) {
  if (values.empty()) return {};
  z_stream z{};
  if (::deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  constexpr std::size_t flush_bytes = 16;
  ByteVector out(::deflateBound(&z, static_cast<uLong>(values.size())) + flush_bytes);
  std::size_t from = 0, to = 0;
  // zlib counts in 32 bits.
  constexpr std::size_t most = std::size_t{1} << 30;
  int status = Z_OK;
  do {
    const std::size_t in = std::min(most, values.size() - from);
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(values.data() + from));
    z.avail_in = static_cast<uInt>(in);
    from += in;
    do {
      if (out.size() - to < flush_bytes) out.resize(out.size() + (std::size_t{64} << 10));
      z.next_out = reinterpret_cast<Bytef*>(out.data() + to);
      z.avail_out = static_cast<uInt>(std::min(most, out.size() - to));
      const uInt room = z.avail_out;
      status = ::deflate(&z, from == values.size() ? Z_FULL_FLUSH : Z_NO_FLUSH);
      to += room - z.avail_out;
    } while (status == Z_OK && z.avail_out == 0);
  } while (status == Z_OK && from < values.size());
  ::deflateEnd(&z);
  if (status != Z_OK && status != Z_BUF_ERROR) throw std::bad_alloc();
  out.resize(to);
  return out;
}

}  // namespace haywatt
