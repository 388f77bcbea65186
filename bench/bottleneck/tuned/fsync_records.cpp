// Known answer: I/O. Small records appended to a file, each made safe with fsync before the next.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

int main() {
  char name[] = "fsync_records.XXXXXX";
  const int fd = ::mkstemp(name);
  if (fd < 0) return 4;
  ::unlink(name);
  std::array<char, 512> record{};
  for (int i = 0; i < 400; ++i) {
    record[0] = static_cast<char>(i);
    if (::write(fd, record.data(), record.size()) < 0 || ::fsync(fd) != 0) return 4;
  }
  ::close(fd);
  std::printf("400 records\n");
  return 0;
}
