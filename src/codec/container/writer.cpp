#include "codec/container/frame.hpp"
#include "codec/container/header_json.hpp"
#include "codec/container/layout.hpp"
#include "haywatt/codec/hay_file.hpp"

namespace haywatt {
namespace {

ByteVector preamble() {
  ByteWriter w;
  w.put_bytes(as_byte_span({layout::magic.data(), layout::magic.size()}));
  w.put<std::uint32_t>(hay_version);
  w.put<std::uint32_t>(0);
  return w.take();
}

/// ARRY: the arrays that are carried whole, as one zstd frame of blocks.
ByteVector encode_arrays(const Schema& schema) {
  ByteWriter plain;
  for (const SourceArray& a : schema.arrays) plain.put_block(a.raw);
  return pack_frame(plain.view());
}

}  // namespace

HayWriter::HayWriter(const std::string& path, AtomicFile::Existing existing, HayHeader header, ByteSpan model)
    : file_(path, existing), header_(std::move(header)), index_(header_.chunks()) {
  file_.append(preamble());
  const std::string json = header_to_json(header_).dump();
  write_section("HEAD", pack_frame(as_byte_span(json)));
  write_section("ARRY", encode_arrays(header_.schema));
  write_section("MODL", model);
  data_section_ = file_.size();
  file_.append(ByteVector(layout::section_head_bytes));  // filled in by finish()
}

void HayWriter::write_section(const char* type, ByteSpan payload) {
  layout::SectionHead head;
  std::memcpy(head.type.data(), type, head.type.size());
  head.length = payload.size();
  head.checksum = xxh3(payload);
  const ByteVector bytes = layout::encode(head);
  section_heads_.insert(section_heads_.end(), bytes.begin(), bytes.end());
  file_.append(bytes);
  file_.append(payload);
}

void HayWriter::write_chunk(std::uint64_t chunk, const EncodedChunk& streams,
                            const std::vector<ByteVector>& corrections) {
  const auto place = [this](const std::vector<ByteVector>& all) {
    std::vector<StreamPlace> places;
    places.reserve(all.size());
    for (const ByteVector& s : all)
      places.push_back(s.empty() ? StreamPlace{} : StreamPlace{file_.append(s), s.size(), xxh3(s)});
    return places;
  };
  index_.at(chunk) = {place(streams.shared), place(streams.columns), place(corrections)};
}

std::uint64_t HayWriter::finish(const nlohmann::json& notes) {
  layout::SectionHead data{{'D', 'A', 'T', 'A'}, file_.size() - data_section_ - layout::section_head_bytes, 0};
  const ByteVector data_head = layout::encode(data);
  file_.write_at(data_section_, data_head);
  section_heads_.insert(section_heads_.end(), data_head.begin(), data_head.end());

  const std::string text = notes.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_section("NOTE", pack_frame(as_byte_span(text)));
  ByteWriter index;
  for (const ChunkPlaces& chunk : index_)
    for (const auto* places : {&chunk.shared, &chunk.columns, &chunk.corrections})
      for (const StreamPlace& p : *places) {
        index.put_varint(p.length);
        if (p.length == 0) continue;
        index.put_varint(p.offset);
        index.put(p.checksum);
      }
  write_section("INDX", index.view());

  ByteWriter trailer;
  trailer.put<std::uint64_t>(file_.size() + layout::trailer_bytes);
  trailer.put(xxh3(section_heads_));
  trailer.put(xxh3(trailer.view()));
  trailer.put_bytes(as_byte_span({layout::end_magic.data(), layout::end_magic.size()}));
  file_.append(trailer.view());
  file_.commit();
  return file_.size();
}

}  // namespace haywatt
