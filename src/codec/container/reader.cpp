#include <algorithm>
#include <map>

#include "codec/container/frame.hpp"
#include "codec/container/header_json.hpp"
#include "codec/container/layout.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/codec/hay_file.hpp"

namespace haywatt {
namespace {

constexpr std::uint64_t json_limit = std::uint64_t{64} << 20;

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  fail_input(path + " is damaged: " + what);
}

std::vector<ChunkPlaces> decode_index(ByteSpan bytes, const HayHeader& header, std::uint64_t data_begin,
                                      std::uint64_t data_end) {
  ByteReader r(bytes, "the index");
  const std::uint64_t chunks = header.chunks();
  const std::size_t columns = header.schema.columns.size();
  // Every stream takes at least one byte of the index.
  if (chunks > 0 &&
      (2 * columns + header.shared_streams == 0 || chunks > bytes.size() / (2 * columns + header.shared_streams)))
    fail_input("the index is too short for " + std::to_string(chunks) + " chunks");
  std::vector<ChunkPlaces> index(chunks);
  std::uint64_t k = 0;
  for (ChunkPlaces& chunk : index) {
    std::uint64_t stream_bytes = 0;
    const auto read = [&](std::vector<StreamPlace>& places, std::size_t n) {
      places.resize(n);
      for (StreamPlace& p : places) {
        p.length = r.get_varint();
        if (p.length == 0) continue;
        p.offset = r.get_varint();
        p.checksum = r.get<std::uint64_t>();
        if (p.offset < data_begin || p.offset > data_end || p.length > data_end - p.offset)
          fail_input("a stream of chunk " + std::to_string(k) + " lies outside the data section");
        stream_bytes += p.length;
      }
    };
    read(chunk.shared, header.shared_streams);
    read(chunk.columns, columns);
    read(chunk.corrections, columns);
    const std::uint64_t raw = header.chunk_raw_bytes(k);
    const bool one_row = header.chunk_rows == 1;
    if (raw > hay_max_chunk_bytes && !(one_row && (raw - hay_max_chunk_bytes) >> 20 <= stream_bytes))
      fail_input("chunk " + std::to_string(k) + " claims " + std::to_string(raw) +
                 " bytes of values, more than it can hold");
    ++k;
  }
  r.expect_end();
  return index;
}

}  // namespace

HayReader::HayReader(const std::string& path) : file_(path) {
  try {
    read_sections();
  } catch (const nlohmann::json::exception& e) {
    damaged(path, std::string("its header does not have the form of docs/format.md (") + e.what() + ")");
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::BadInput || std::string(e.what()).starts_with(path)) throw;
    damaged(path, e.what());
  }
}

void HayReader::read_sections() {
  const std::string& path = file_.path();
  if (file_.size() < layout::preamble_bytes) fail_input(path + " is not a .hay file: it is too short");
  const ByteVector preamble = file_.read_at(0, layout::preamble_bytes);
  if (!as_text(preamble).starts_with(std::string_view(layout::magic.data(), layout::magic.size())))
    fail_input(path + " is not a .hay file");
  ByteReader head(ByteSpan(preamble).subspan(layout::magic.size()), "the preamble");
  const auto version = head.get<std::uint32_t>();
  if (version != hay_version)
    fail_input(path + " has version " + std::to_string(version) + " of the .hay format; this haywatt reads version " +
               std::to_string(hay_version));
  if (head.get<std::uint32_t>() != 0) damaged(path, "its preamble");
  if (file_.size() < layout::preamble_bytes + layout::trailer_bytes) fail_input(path + " is truncated");
  const std::uint64_t end = file_.size() - layout::trailer_bytes;
  const ByteVector trailer = file_.read_at(end, layout::trailer_bytes);
  ByteReader tail(trailer, "the trailer");
  const auto length = tail.get<std::uint64_t>();
  const auto heads_checksum = tail.get<std::uint64_t>();
  if (tail.get<std::uint64_t>() != xxh3(ByteSpan(trailer).first(16)) ||
      as_text(tail.get_bytes(8)) != std::string_view(layout::end_magic.data(), 8) || length != file_.size())
    fail_input(path + " is truncated or damaged at its end");

  ByteVector heads;
  std::map<std::string, ByteVector> payloads;
  std::uint64_t data_begin = 0;
  std::uint64_t data_end = 0;
  for (std::uint64_t at = layout::preamble_bytes; at < end;) {
    if (end - at < layout::section_head_bytes) damaged(path, "its sections do not fill it");
    const ByteVector bytes = file_.read_at(at, layout::section_head_bytes);
    heads.insert(heads.end(), bytes.begin(), bytes.end());
    ByteReader r(bytes, "a section head");
    const std::string type(as_text(r.get_bytes(4)));
    const auto zero = r.get<std::uint32_t>();
    const auto size = r.get<std::uint64_t>();
    const auto checksum = r.get<std::uint64_t>();
    if (zero != 0 || r.get<std::uint64_t>() != xxh3(ByteSpan(bytes).first(24)))
      damaged(path, "the section head at byte " + std::to_string(at));
    at += layout::section_head_bytes;
    if (size > end - at) damaged(path, "section " + type + " is longer than the file");
    if (sections_.size() >= 64) damaged(path, "it has more than 64 sections");
    sections_.emplace_back(type, size);
    if (type == "DATA") {
      if (data_begin != 0) damaged(path, "it has two data sections");
      data_begin = at;
      data_end = at + size;
    } else {
      ByteVector payload = file_.read_at(at, size);
      if (xxh3(payload) != checksum) damaged(path, "the checksum of section " + type + " is wrong");
      if (!payloads.emplace(type, std::move(payload)).second) damaged(path, "it has two sections " + type);
    }
    at += size;
  }
  if (xxh3(heads) != heads_checksum) damaged(path, "its sections are not those it was written with");
  for (const char* needed : {"HEAD", "ARRY", "MODL", "NOTE", "INDX"})
    if (!payloads.contains(needed)) damaged(path, std::string("it has no section ") + needed);
  if (data_begin == 0) damaged(path, "it has no section DATA");

  header_ = header_from_json(nlohmann::json::parse(as_text(unpack_frame(payloads["HEAD"], json_limit))));
  notes_ = nlohmann::json::parse(as_text(unpack_frame(payloads["NOTE"], json_limit)));
  model_ = std::move(payloads["MODL"]);
  const ByteVector arrays = unpack_frame(payloads["ARRY"], std::uint64_t{1} << 32);
  ByteReader blocks(arrays, "the carried arrays");
  for (SourceArray& a : header_.schema.arrays) {
    const ByteSpan raw = blocks.get_block();
    a.raw.assign(raw.begin(), raw.end());
  }
  blocks.expect_end();
  index_ = decode_index(payloads["INDX"], header_, data_begin, data_end);
}

ByteVector HayReader::read_stream(const StreamPlace& place) const {
  if (place.length == 0) return {};
  ByteVector bytes = file_.read_at(place.offset, place.length);
  if (xxh3(bytes) != place.checksum)
    damaged(path(), "the checksum of the stream at byte " + std::to_string(place.offset) + " is wrong");
  return bytes;
}

}  // namespace haywatt
