/// A stand-in for libnvidia-ml.so.1. Loaded by a program that does not know it, it shows one GPU that draws 100 W.
#include "stubs/nvml_stub.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "meter/sensors/nvml_library.hpp"

namespace {

using haywatt::meter::NvmlDevice;
using haywatt::meter::NvmlFieldValue;
using haywatt::meter::NvmlProcessSample;
using haywatt::test::StubGpu;
using haywatt::test::StubNvml;

StubNvml state;
bool driven_by_a_test = false;

/// 100 W since the process started, where no test says otherwise.
void let_time_pass(StubGpu& gpu) {
  static const auto start = std::chrono::steady_clock::now();
  if (driven_by_a_test) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  gpu.energy_mJ = 5'000'000ULL + 100ULL * static_cast<unsigned long long>(ms.count());
}

StubGpu& gpu_of(NvmlDevice device) { return *static_cast<StubGpu*>(device); }

}  // namespace

extern "C" {

StubNvml* stub_nvml() {
  driven_by_a_test = true;
  return &state;
}

int nvmlInit_v2() {
  if (!driven_by_a_test && state.gpus.empty()) state.gpus.emplace_back();
  ++state.starts;
  return state.init_result;
}

int nvmlShutdown() {
  ++state.stops;
  return 0;
}

const char* nvmlErrorString(int result) {
  if (result == 15) return "GPU is lost";
  if (result == 18) return "Driver/library version mismatch";
  return "Some error";
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(state.gpus.size());
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, NvmlDevice* device) {
  if (index >= state.gpus.size()) return 2;
  *device = &state.gpus[index];
  return state.gpus[index].handle_result;
}

int nvmlDeviceGetName(NvmlDevice device, char* name, unsigned length) {
  std::strncpy(name, gpu_of(device).name.c_str(), length - 1);
  return 0;
}

int nvmlDeviceGetArchitecture(NvmlDevice device, unsigned* architecture) {
  *architecture = gpu_of(device).architecture;
  return 0;
}

int nvmlDeviceGetEnforcedPowerLimit(NvmlDevice device, unsigned* limit_mW) {
  *limit_mW = gpu_of(device).limit_mW;
  return 0;
}

int nvmlDeviceGetTotalEnergyConsumption(NvmlDevice device, unsigned long long* energy_mJ) {
  StubGpu& gpu = gpu_of(device);
  let_time_pass(gpu);
  ++gpu.energy_reads;
  *energy_mJ = gpu.energy_mJ;
  return gpu.energy_result;
}

int nvmlDeviceGetPowerUsage(NvmlDevice device, unsigned* power_mW) {
  *power_mW = gpu_of(device).usage_mW;
  return gpu_of(device).usage_result;
}

int nvmlDeviceGetFieldValues(NvmlDevice device, int count, NvmlFieldValue* values) {
  StubGpu& gpu = gpu_of(device);
  ++gpu.power_reads;
  for (int i = 0; i < count; ++i) {
    NvmlFieldValue& v = values[i];
    v.result = v.field == 186 ? gpu.instant_result : v.field == 185 ? gpu.average_result : 3;
    v.type = gpu.value_type;
    if (gpu.value_type == 0)
      v.value.d = gpu.power_mW;
    else
      v.value.ull = gpu.power_mW;
  }
  return 0;
}

int nvmlDeviceGetUtilizationRates(NvmlDevice device, haywatt::meter::NvmlUtilization* now) {
  *now = {gpu_of(device).utilization_percent, 0};
  return 0;
}

int nvmlDeviceGetProcessUtilization(NvmlDevice device, NvmlProcessSample* samples, unsigned* count,
                                    unsigned long long last_seen_us) {
  const StubGpu& gpu = gpu_of(device);
  if (gpu.process_result != 0) return gpu.process_result;
  const auto newer = static_cast<unsigned>(std::count_if(gpu.processes.begin(), gpu.processes.end(),
                                                         [&](const auto& p) { return p.timestamp_us > last_seen_us; }));
  const unsigned room = *count;
  *count = newer;
  if (newer == 0) return 6;
  if (room < newer) return 7;
  for (const auto& p : gpu.processes)
    if (p.timestamp_us > last_seen_us) *samples++ = {p.pid, p.timestamp_us, p.sm_percent, 0, 0, 0};
  return 0;
}

}  // extern "C"
