/// A model.pt in memory around any pickle: the archive that torch makes, with right checksums.
#pragma once
#include <memory>
#include <string>

#include "data/byte_source.hpp"
#include "data/inflate.hpp"
#include "data/zip_layout.hpp"

namespace haywatt::baler::test {

[[nodiscard]] inline std::shared_ptr<const data::ByteSource> in_memory(ByteSpan bytes) {
  data::Spool spool(UINT64_MAX);
  spool.append(bytes);
  return spool.finish();
}

/// data.pkl as given; data/0 holds the doubles 0 to 7.
[[nodiscard]] inline std::shared_ptr<const data::ByteSource> torch_archive(const std::string& pickle) {
  ByteWriter numbers;
  for (int i = 0; i < 8; ++i) numbers.put(static_cast<double>(i));
  const std::string little = "little";
  const std::vector<std::pair<std::string, ByteSpan>> members = {{"model/data.pkl", as_byte_span(pickle)},
                                                                 {"model/byteorder", as_byte_span(little)},
                                                                 {"model/data/0", numbers.view()}};
  data::ZipLayout layout;
  ByteWriter out;
  for (const auto& [name, bytes] : members) {
    const std::size_t m = layout.add(name, bytes.size());
    layout.set_crc(m, data::crc32_update(0, bytes));
    out.put_bytes(layout.local_header(m));
    out.put_bytes(bytes);
  }
  out.put_bytes(layout.directory());
  return in_memory(out.view());
}

}  // namespace haywatt::baler::test
