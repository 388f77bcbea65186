#include <cstdio>

#include "haywatt_version.hpp"

int main() {
  std::printf("haywatt %s\n", haywatt::version);
  return 0;
}
