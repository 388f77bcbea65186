#include "data/zip_layout.hpp"

#include <algorithm>

#include "data/zip_directory.hpp"

namespace haywatt::data {
namespace {

constexpr std::uint16_t version = 45;              // zip64
constexpr std::uint16_t made_by_unix = 3 << 8;     // so that the attributes below are file permissions
constexpr std::uint32_t first_date = 0x0021'0000;  // 1980-01-01 00:00: the same table gives the same bytes
constexpr std::uint32_t attributes = 0600U << 16;
constexpr std::uint64_t local_extra_bytes = 20;

std::uint16_t flags_for(const std::string& name) {
  const bool ascii = std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; });
  return ascii ? 0 : zip::utf8_flag;
}

std::uint16_t method_of(bool deflated) { return deflated ? 8 : 0; }

std::uint32_t low32(std::uint64_t v) { return v >= zip::full32 ? zip::full32 : static_cast<std::uint32_t>(v); }

}  // namespace

std::size_t ZipLayout::add(std::string name, std::uint64_t size_bytes) {
  Member m;
  m.size = m.packed = size_bytes;
  m.local_offset = end_;
  m.data_offset = end_ + zip::local_bytes + name.size() + local_extra_bytes;
  m.name = std::move(name);
  end_ = m.data_offset + size_bytes;
  members_.push_back(std::move(m));
  return members_.size() - 1;
}

std::size_t ZipLayout::add_deflated(std::string name, std::uint64_t size_bytes) {
  const std::size_t member = add(std::move(name), size_bytes);
  members_[member].deflated = true;
  set_packed(member, 0);
  return member;
}

void ZipLayout::set_packed(std::size_t member, std::uint64_t packed_bytes) {
  members_[member].packed = packed_bytes;
  end_ = members_[member].data_offset + packed_bytes;
}

ByteVector ZipLayout::local_header(std::size_t member) const {
  const Member& m = members_[member];
  ByteWriter w;
  w.put(zip::local_signature);
  w.put(version);
  w.put(flags_for(m.name));
  w.put(method_of(m.deflated));
  w.put(first_date);
  w.put(m.crc);
  w.put(zip::full32);
  w.put(zip::full32);
  w.put(static_cast<std::uint16_t>(m.name.size()));
  w.put(static_cast<std::uint16_t>(local_extra_bytes));
  w.put_bytes(as_byte_span(m.name));
  w.put(zip::extra64_id);
  w.put<std::uint16_t>(16);
  w.put(m.size);
  w.put(m.packed);
  return w.take();
}

ByteVector ZipLayout::directory() const {
  ByteWriter w;
  for (const Member& m : members_) {
    ByteWriter extra;
    if (m.size >= zip::full32) extra.put(m.size);
    if (m.packed >= zip::full32) extra.put(m.packed);
    if (m.local_offset >= zip::full32) extra.put(m.local_offset);
    w.put(zip::central_signature);
    w.put<std::uint16_t>(made_by_unix | version);
    w.put(version);
    w.put(flags_for(m.name));
    w.put(method_of(m.deflated));
    w.put(first_date);
    w.put(m.crc);
    w.put(low32(m.packed));
    w.put(low32(m.size));
    w.put(static_cast<std::uint16_t>(m.name.size()));
    w.put(static_cast<std::uint16_t>(extra.size() == 0 ? 0 : extra.size() + 4));
    w.put<std::uint16_t>(0);  // comment
    w.put<std::uint32_t>(0);  // disk, internal attributes
    w.put(attributes);
    w.put(low32(m.local_offset));
    w.put_bytes(as_byte_span(m.name));
    if (extra.size() == 0) continue;
    w.put(zip::extra64_id);
    w.put(static_cast<std::uint16_t>(extra.size()));
    w.put_bytes(extra.view());
  }
  const std::uint64_t size = w.size(), entries = members_.size();
  if (entries >= zip::full16 || size >= zip::full32 || end_ >= zip::full32) {
    const std::uint64_t record = end_ + size;
    w.put(zip::end64_signature);
    w.put(zip::end64_bytes - 12);
    w.put(version);
    w.put(version);
    w.put<std::uint64_t>(0);  // disks
    w.put(entries);
    w.put(entries);
    w.put(size);
    w.put(end_);
    w.put(zip::locator64_signature);
    w.put<std::uint32_t>(0);
    w.put(record);
    w.put<std::uint32_t>(1);
  }
  const auto entries16 = static_cast<std::uint16_t>(std::min<std::uint64_t>(entries, zip::full16));
  w.put(zip::end_signature);
  w.put<std::uint32_t>(0);  // disks
  w.put(entries16);
  w.put(entries16);
  w.put(low32(size));
  w.put(low32(end_));
  w.put<std::uint16_t>(0);  // comment
  return w.take();
}

}  // namespace haywatt::data
