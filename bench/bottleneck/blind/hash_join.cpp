// Joins hits to tracks by key: a chained hash table of 4 million tracks, looked up along chains of hits where each hit
// names the next one only through the track it belongs to.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {
constexpr std::uint32_t kTracks = 4'000'000, kBuckets = 1u << 21, kNone = 0xffffffffu;
constexpr int kLookUps = 1'500'000;

struct Track {
  std::uint64_t key;
  std::uint32_t next_in_bucket;
  std::uint32_t next_hit;  // index of the key to look up next
  double momentum;
};

std::uint64_t mix(std::uint64_t v) {
  v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
  v = (v ^ v >> 27) * 0x94d049bb133111ebull;
  return v ^ v >> 31;
}
std::uint64_t key_of(std::uint32_t track) { return mix(track + 1ull); }
}  // namespace

int main() {
  std::vector<std::uint32_t> bucket(kBuckets, kNone);
  std::vector<Track> tracks(kTracks);
  for (std::uint32_t i = 0; i < kTracks; ++i) {
    const std::uint64_t key = key_of(i);
    const auto slot = static_cast<std::size_t>(key & (kBuckets - 1));
    tracks[i] = {key, bucket[slot], static_cast<std::uint32_t>(mix(key) % kTracks), 1.0 / (1.0 + (key & 1023))};
    bucket[slot] = i;
  }
  double sum = 0;
  std::uint32_t hit = 0;
  for (int i = 0; i < kLookUps; ++i) {
    const std::uint64_t key = key_of(hit);
    std::uint32_t at = bucket[static_cast<std::size_t>(key & (kBuckets - 1))];
    while (tracks[at].key != key) at = tracks[at].next_in_bucket;
    sum += tracks[at].momentum;
    hit = (tracks[at].next_hit + static_cast<std::uint32_t>(i)) % kTracks;
  }
  std::printf("%.6f\n", sum);
}
