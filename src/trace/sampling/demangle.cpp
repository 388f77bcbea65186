#include "trace/sampling/demangle.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <ctime>
#include <memory>

namespace haywatt::trace {
namespace {

/// A name's substitutions can double its length every few bytes, hence the limits.
constexpr std::size_t longest_mangled = 2'000, longest_shown = 1'000;
constexpr double most_time_s = 3.0;

double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

Demangler::Demangler() : given_up_at_s_(cpu_s() + most_time_s) {}

std::string Demangler::operator()(const std::string& name) {
  std::string text = name;
  if (name.starts_with("_Z") && name.size() <= longest_mangled && cpu_s() < given_up_at_s_) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> demangled(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
    if (status == 0 && demangled) text = demangled.get();
  }
  if (text.size() > longest_shown) text = text.substr(0, longest_shown) + "…";
  return text;
}

}  // namespace haywatt::trace
