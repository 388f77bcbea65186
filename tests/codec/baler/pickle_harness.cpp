#include "codec/baler/pickle_harness.hpp"

#include <array>

#include "codec/baler/project/corrections.hpp"
#include "codec/baler/project/state_dict.hpp"
#include "data/byte_source.hpp"
#include "data/inflate.hpp"
#include "data/npy_header.hpp"
#include "data/zip_layout.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler::test {
namespace {

/// The archive of a model whose storages 0 to 5 are there, so that what a pickle says of them is looked at.
void read_model(ByteSpan pickle) {
  ByteVector storage(sizeof(double) * 200);
  data::ZipLayout layout;
  data::Spool out(UINT64_MAX);
  const auto add = [&](const std::string& name, ByteSpan bytes) {
    const std::size_t m = layout.add(name, bytes.size());
    layout.set_crc(m, data::crc32_update(0, bytes));
    out.append(layout.local_header(m));
    out.append(bytes);
  };
  add("m/data.pkl", pickle);
  for (char key = '0'; key < '6'; ++key) add(std::string("m/data/") + key, storage);
  out.append(layout.directory());
  const StateDict model(out.finish(), "model.pt");
  for (const auto& tensor : model.tensors()) static_cast<void>(model.values(tensor));
}

ByteVector with_header(ByteSpan pickle, std::span<const std::uint64_t> shape) {
  const std::string header = data::make_npy_header("|O", false, shape);
  ByteVector out(as_byte_span(header).begin(), as_byte_span(header).end());
  out.insert(out.end(), pickle.begin(), pickle.end());
  return out;
}

}  // namespace

void read_pickle(ByteSpan input) {
  if (input.size() < 2) return;
  const auto choice = std::to_integer<unsigned>(input[0]);
  const ByteSpan bytes = input.subspan(1);
  try {
    if (choice % 4 == 0) return read_model(bytes);
    const CorrectionShape shape = {40, 6, 10};
    if (choice % 4 == 1) {  // two whole files, as they would be unpacked
      const std::size_t cut = bytes.size() * (choice / 4) / 64;
      static_cast<void>(parse_corrections(bytes.first(cut), "deltas", bytes.subspan(cut), "index", shape));
      return;
    }
    const std::uint64_t batches = choice / 4 % 5;
    const std::array<std::uint64_t, 2> index_shape = {2, batches};
    const std::size_t cut = choice % 4 == 2 ? 0 : bytes.size() / 2;
    const ByteVector index = with_header(bytes.subspan(cut), index_shape);
    const ByteVector deltas = with_header(cut == 0 ? bytes : bytes.first(cut), std::span(&batches, 1));
    static_cast<void>(parse_corrections(deltas, "deltas", index, "index", shape));
  } catch (const Error& e) {
    // Refused, in one line: that is what is wanted.
    if (std::string_view(e.what()).find('\n') != std::string_view::npos) throw;
  }
}

}  // namespace haywatt::baler::test
