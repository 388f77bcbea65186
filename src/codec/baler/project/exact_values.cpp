#include "codec/baler/project/exact_values.hpp"

#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

constexpr const char* mark_key = "haywatt";
constexpr const char* gaps_key = "haywatt_gaps";
constexpr const char* values_key = "haywatt_values";
constexpr std::uint16_t far = 0xffff;
constexpr DType int64{ScalarKind::Int, 8, false}, uint16{ScalarKind::UInt, 2, false};

}  // namespace

void write_mark(NpzFileWriter& file, const ProjectMark& m) {
  const std::array<std::int64_t, 5> values = {1, static_cast<std::int64_t>(m.corrections),
                                              static_cast<std::int64_t>(m.exact_values), m.frame[0], m.frame[1]};
  file.begin(mark_key, int64, {values.size()});
  file.write(std::as_bytes(std::span(values)));
}

std::optional<ProjectMark> read_mark(const NpzArrays& file) {
  if (!file.has(mark_key)) return std::nullopt;
  const auto& array = file.array(mark_key);
  if (array.text || array.dtype != int64 || array.shape != std::vector<std::uint64_t>{5})
    fail_input(file.path() + ": array 'haywatt' is not what haywatt writes");
  const ByteVector raw = file.read_all(mark_key);
  std::array<std::int64_t, 5> v{};
  std::memcpy(v.data(), raw.data(), sizeof v);
  if (v[0] != 1) fail_input(file.path() + " was written by a later haywatt: this one knows version 1");
  constexpr std::int64_t most_size = 1'000'000;
  if (v[1] < 0 || v[2] < 0 || v[3] < 0 || v[4] < 0 || v[3] > most_size || v[4] > most_size ||
      (v[3] == 0) != (v[4] == 0))
    fail_input(file.path() + ": array 'haywatt' is damaged");
  return ProjectMark{static_cast<std::uint64_t>(v[1]),
                     static_cast<std::uint64_t>(v[2]),
                     {static_cast<std::uint32_t>(v[3]), static_cast<std::uint32_t>(v[4])}};
}

void write_exact_values(NpzFileWriter& file, const ExactValues& exact, bool single) {
  // The gap to the position before, less one; 65535 stands for that many places and says that the gap goes on.
  std::vector<std::uint16_t> gaps;
  std::uint64_t next = 0;
  for (const std::uint64_t position : exact.positions) {
    std::uint64_t gap = position - next;
    for (; gap >= far; gap -= far) gaps.push_back(far);
    gaps.push_back(static_cast<std::uint16_t>(gap));
    next = position + 1;
  }
  using Packing = NpzFileWriter::Packing;
  file.begin(gaps_key, uint16, {gaps.size()}, Packing::Deflated);
  file.write(std::as_bytes(std::span(gaps)));
  file.begin(values_key, {ScalarKind::Float, static_cast<std::uint8_t>(single ? 4 : 8), false}, {exact.values.size()},
             Packing::Deflated);
  if (!single) return file.write(std::as_bytes(std::span(exact.values)));
  const std::vector<float> floats(exact.values.begin(), exact.values.end());
  file.write(std::as_bytes(std::span(floats)));
}

ExactValues read_exact_values(const NpzArrays& file, std::uint64_t count, std::uint64_t end) {
  ExactValues exact;
  if (count == 0) return exact;
  const auto& gaps = file.array(gaps_key);
  if (gaps.text || gaps.dtype != uint16 || gaps.shape.size() != 1 || file.array(values_key).text)
    fail_input(file.path() + ": array 'haywatt_gaps' is not what haywatt writes");
  exact.values = file.doubles(values_key);
  const ByteVector raw = file.read_all(gaps_key);
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < raw.size() / 2; ++i) {
    std::uint16_t gap = 0;
    std::memcpy(&gap, raw.data() + 2 * i, sizeof gap);
    next += gap;
    if (gap == far) continue;
    exact.positions.push_back(next++);
  }
  if (exact.positions.size() != count || exact.values.size() != count || next > end)
    fail_input(file.path() + " is damaged: its exact values are " + std::to_string(exact.values.size()) + " at " +
               std::to_string(exact.positions.size()) + " places instead of " + std::to_string(count));
  return exact;
}

}  // namespace haywatt::baler
