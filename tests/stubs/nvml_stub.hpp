/// What the stand-in for NVIDIA's library shows; a test in the same process sets it through stub_nvml().
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace haywatt::test {

struct StubProcess {
  unsigned pid = 0, sm_percent = 0;
  unsigned long long timestamp_us = 0;
};

/// Results are nvmlReturn_t.
struct StubGpu {
  std::string name = "NVIDIA H100 PCIe";
  unsigned architecture = 9;
  int handle_result = 0;
  int energy_result = 0, instant_result = 0, average_result = 0, usage_result = 0;
  int value_type = 1;  ///< of the fields: nvmlValueType_t
  unsigned power_mW = 100'000, usage_mW = 100'000, limit_mW = 350'000;
  unsigned long long energy_mJ = 5'000'000;
  int process_result = 0;
  std::vector<StubProcess> processes;
  unsigned utilization_percent = 0;
  int energy_reads = 0, power_reads = 0;
};

struct StubNvml {
  int init_result = 0;
  int starts = 0, stops = 0;
  std::vector<StubGpu> gpus;
};

}  // namespace haywatt::test

extern "C" haywatt::test::StubNvml* stub_nvml();
