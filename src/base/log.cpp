#include "haywatt/base/log.hpp"

#include <atomic>
#include <cstdio>
#include <string>

namespace haywatt::log {
namespace {

std::atomic<Level> current{Level::Normal};
std::atomic<bool> bar{false};

void print(std::string_view prefix, std::string_view message) {
  std::string line = bar ? "\r\x1b[K" : "";
  line.append(prefix).append(message) += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // one call: lines of several threads do not mix
}

}  // namespace

void set_level(Level l) noexcept { current = l; }
Level level() noexcept { return current; }
void set_bar(bool drawn) noexcept { bar = drawn; }
void error(std::string_view message) { print("haywatt: ", message); }
void warning(std::string_view message) {
  if (level() != Level::Quiet) print("haywatt: warning: ", message);
}
void info(std::string_view message) {
  if (level() != Level::Quiet) print("haywatt: ", message);
}
void detail(std::string_view message) {
  if (level() == Level::Verbose) print("haywatt: ", message);
}

}  // namespace haywatt::log
