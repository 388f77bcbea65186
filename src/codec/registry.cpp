// The list of all methods. To add one, see docs/adding-a-codec.md.
#include <algorithm>

#include "codec/baler/baler_method.hpp"
#include "codec/classical/hdf5_methods.hpp"
#include "codec/classical/methods.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/codec/method.hpp"

namespace haywatt {
namespace {

std::vector<std::unique_ptr<Method>> make_all_methods() {
  std::vector<std::unique_ptr<Method>> methods;
  methods.push_back(make_baler_method());
  methods.push_back(make_lz4_method());
  methods.push_back(make_zfp_method());
  methods.push_back(make_zstd_method());
  for (auto& method : make_hdf5_methods()) methods.push_back(std::move(method));
  std::sort(methods.begin(), methods.end(), [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return methods;
}

}  // namespace

const std::vector<std::unique_ptr<Method>>& all_methods() {
  static const std::vector<std::unique_ptr<Method>> methods = make_all_methods();
  return methods;
}

const Method& find_method(const std::string& name) {
  std::string names;
  for (const auto& method : all_methods()) {
    if (method->name() == name) return *method;
    names += (names.empty() ? "" : ", ") + method->name();
  }
  if (const std::string missing = missing_hdf5_method(name); !missing.empty()) fail_unavailable(missing);
  fail_usage("there is no method '" + name + "'; known here: " + names);
}

}  // namespace haywatt
