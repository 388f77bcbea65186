/// The part of NVIDIA's management library that is used, loaded when it is there
/// (https://docs.nvidia.com/deploy/nvml-api). The interface is declared here, so that neither building nor running
/// needs NVIDIA's header.
#pragma once
#include <memory>
#include <string>

namespace haywatt::meter {

using NvmlDevice = void*;

/// nvmlReturn_t
enum NvmlResult : int {
  nvml_success = 0,
  nvml_not_supported = 3,
  nvml_no_permission = 4,
  nvml_not_found = 6,
  nvml_insufficient_size = 7,
  nvml_driver_not_loaded = 9,
  nvml_library_not_found = 12,
  nvml_function_not_found = 13,
  nvml_gpu_is_lost = 15,
  nvml_operating_system = 17,
  nvml_version_mismatch = 18,
  nvml_gpu_not_found = 28,
};

/// nvmlDeviceArchitecture_t
enum NvmlArchitecture : unsigned {
  nvml_unknown_architecture = 0xffffffff,
  nvml_pascal = 4,
  nvml_volta = 5,
  nvml_turing = 6,
  nvml_ampere = 7,
  nvml_hopper = 9,
};

/// nvmlFieldValue_t
struct NvmlFieldValue {
  unsigned field = 0, scope = 0;
  long long timestamp_us = 0, latency_us = 0;
  int type = 0;    ///< nvmlValueType_t
  int result = 0;  ///< nvmlReturn_t of this field
  union {
    double d;
    int i;
    unsigned u;
    unsigned long ul;
    unsigned long long ull;
    long long ll;
    unsigned short us;
  } value{};
};

/// nvmlProcessUtilizationSample_t
struct NvmlProcessSample {
  unsigned pid = 0;
  unsigned long long timestamp_us = 0;
  unsigned sm_percent = 0, memory_percent = 0, encoder_percent = 0, decoder_percent = 0;
};

/// nvmlUtilization_t: percent of the time in which anything ran, over the last sixth of a second to second.
struct NvmlUtilization {
  unsigned processor_percent = 0, memory_percent = 0;
};

/// Its functions. Those below `may be missing` are nullptr in a library too old to have them.
class NvmlLibrary {
 public:
  /// nullptr where there is no such library or it lacks what every version has.
  [[nodiscard]] static std::shared_ptr<NvmlLibrary> load(const std::string& path);
  ~NvmlLibrary();
  NvmlLibrary(const NvmlLibrary&) = delete;
  NvmlLibrary& operator=(const NvmlLibrary&) = delete;

  /// nvmlInit; undone when the library goes.
  [[nodiscard]] int start();
  [[nodiscard]] std::string error_text(int result) const;

  int (*device_count)(unsigned*) = nullptr;
  int (*device_by_index)(unsigned, NvmlDevice*) = nullptr;
  int (*device_name)(NvmlDevice, char*, unsigned) = nullptr;
  int (*power_usage_mW)(NvmlDevice, unsigned*) = nullptr;
  // may be missing
  int (*architecture)(NvmlDevice, unsigned*) = nullptr;
  int (*total_energy_mJ)(NvmlDevice, unsigned long long*) = nullptr;
  int (*field_values)(NvmlDevice, int, NvmlFieldValue*) = nullptr;
  int (*enforced_limit_mW)(NvmlDevice, unsigned*) = nullptr;
  int (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
  int (*process_utilization)(NvmlDevice, NvmlProcessSample*, unsigned*, unsigned long long) = nullptr;

 private:
  NvmlLibrary() = default;
  void* handle_ = nullptr;
  bool started_ = false;
  int (*init_)() = nullptr;
  int (*shutdown_)() = nullptr;
  const char* (*error_string_)(int) = nullptr;
};

}  // namespace haywatt::meter
