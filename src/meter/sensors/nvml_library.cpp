#include "meter/sensors/nvml_library.hpp"

#include <dlfcn.h>

#include <cstddef>

namespace haywatt::meter {
namespace {

// As the library was built: nvml.h, 64 bit.
static_assert(sizeof(NvmlFieldValue) == 40 && offsetof(NvmlFieldValue, value) == 32);
static_assert(sizeof(NvmlProcessSample) == 32 && offsetof(NvmlProcessSample, sm_percent) == 16);

/// The first of the names that the library has: newer versions of a function carry a suffix.
template <class Function>
void find(void* handle, Function*& function, const char* name, const char* older = nullptr) {
  void* symbol = ::dlsym(handle, name);
  if (symbol == nullptr && older != nullptr) symbol = ::dlsym(handle, older);
  function = reinterpret_cast<Function*>(symbol);
}

}  // namespace

std::shared_ptr<NvmlLibrary> NvmlLibrary::load(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return nullptr;
  const std::shared_ptr<NvmlLibrary> n(new NvmlLibrary);
  n->handle_ = handle;
  find(handle, n->init_, "nvmlInit_v2", "nvmlInit");
  find(handle, n->shutdown_, "nvmlShutdown");
  find(handle, n->error_string_, "nvmlErrorString");
  find(handle, n->device_count, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount");
  find(handle, n->device_by_index, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex");
  find(handle, n->device_name, "nvmlDeviceGetName");
  find(handle, n->power_usage_mW, "nvmlDeviceGetPowerUsage");
  find(handle, n->architecture, "nvmlDeviceGetArchitecture");
  find(handle, n->total_energy_mJ, "nvmlDeviceGetTotalEnergyConsumption");
  find(handle, n->field_values, "nvmlDeviceGetFieldValues");
  find(handle, n->enforced_limit_mW, "nvmlDeviceGetEnforcedPowerLimit");
  find(handle, n->utilization, "nvmlDeviceGetUtilizationRates");
  find(handle, n->process_utilization, "nvmlDeviceGetProcessUtilization");
  const bool whole = n->init_ != nullptr && n->shutdown_ != nullptr && n->device_count != nullptr &&
                     n->device_by_index != nullptr && n->device_name != nullptr && n->power_usage_mW != nullptr;
  return whole ? n : nullptr;
}

NvmlLibrary::~NvmlLibrary() {
  if (started_) (void)shutdown_();
  // The library stays loaded: a driver may have started threads that run its code.
}

int NvmlLibrary::start() {
  const int result = init_();
  started_ = result == nvml_success;
  return result;
}

std::string NvmlLibrary::error_text(int result) const {
  const char* text = error_string_ != nullptr ? error_string_(result) : nullptr;
  return text != nullptr ? std::string(text) : "NVML error " + std::to_string(result);
}

}  // namespace haywatt::meter
