/// Nothing of libtorch crosses the border to the program: its exception types may be unknown there.
#pragma once
#include <c10/util/Exception.h>

#include <new>
#include <string>
#include <utility>

#include "haywatt/base/error.hpp"

namespace haywatt::torch_plugin {

/// Runs `work`; only Error and std::bad_alloc come out of it. `what`: "train".
template <class Work>
auto guard_border(const std::string& what, Work&& work) {
  const auto first_line = [](const std::string& text) { return text.substr(0, text.find('\n')); };
  try {
    return std::forward<Work>(work)();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const c10::Error& e) {
    fail_system("libtorch cannot " + what + ": " + first_line(e.what_without_backtrace()));
  } catch (const std::exception& e) {
    fail_system("libtorch cannot " + what + ": " + first_line(e.what()));
  }
}

}  // namespace haywatt::torch_plugin
