// A run-control journal: every entry is on the disk before the next one is made.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

int main() {
  constexpr int kEntries = 2500;
  const char* path = "journal.tmp";
  const int fd = ::open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (fd < 0) {
    std::perror(path);
    return 1;
  }
  std::array<char, 8192> entry{};
  std::uint32_t checksum = 1;
  int rc = 0;
  for (int i = 0; i < kEntries && rc == 0; ++i) {
    std::snprintf(entry.data(), entry.size(), "entry %06d run 3117 state RUNNING luminosity %d", i, 1000 + i % 37);
    for (const char c : entry) checksum = checksum * 31 + static_cast<unsigned char>(c);
    std::memcpy(entry.data() + entry.size() - sizeof checksum, &checksum, sizeof checksum);
    if (::write(fd, entry.data(), entry.size()) != static_cast<ssize_t>(entry.size()) || ::fdatasync(fd) != 0) {
      std::perror(path);
      rc = 1;
    }
  }
  ::close(fd);
  ::unlink(path);
  std::printf("%u\n", checksum);
  return rc;
}
