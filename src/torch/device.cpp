#include "torch/device.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

#include <charconv>

#include "haywatt/base/error.hpp"

namespace haywatt::torch_plugin {
namespace {

constexpr c10::DeviceType gpu = c10::DeviceType::CUDA;

int index_of(const std::string& name) {
  if (name == "cuda") return 0;
  int index = -1;
  if (name.starts_with("cuda:")) {
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + 5, end, index);
    if (error != std::errc() || stop != end) index = -1;
  }
  if (index < 0) fail_usage("device " + name + " is none of cpu, cuda, cuda:N");
  return index;
}

}  // namespace

at::Device find_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  const int index = index_of(name);
  if (!c10::impl::hasDeviceGuardImpl(gpu))
    fail_unavailable("device " + name +
                     ": this libtorch (" TORCH_VERSION
                     ") is a CPU build; build with -DHAYWATT_TORCH_PYTHON=python3 against a PyPI torch with CUDA");
  const int count = c10::impl::VirtualGuardImpl(gpu).deviceCount();
  if (index >= count)
    fail_unavailable("device " + name + ": no such GPU on this machine (libtorch sees " + std::to_string(count) +
                     "); use --device cpu");
  return {gpu, static_cast<c10::DeviceIndex>(index)};
}

void await(const at::Device& device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

at::Tensor to_device(const at::Tensor& host, const at::Device& device) {
  if (device.is_cpu()) return host;
  const at::Tensor moved = host.pin_memory().to(device, /*non_blocking=*/true);
  await(device);  // before the locked copy is freed
  return moved;
}

at::Tensor to_host(const at::Tensor& tensor) {
  if (tensor.device().is_cpu()) return tensor;
  const at::Tensor host =
      at::empty(tensor.sizes(), at::TensorOptions().dtype(tensor.scalar_type()).pinned_memory(true));
  host.copy_(tensor, /*non_blocking=*/true);
  await(tensor.device());
  return host;
}

}  // namespace haywatt::torch_plugin
