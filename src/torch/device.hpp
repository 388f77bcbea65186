/// Where tensors live and are computed with: the CPU, or an NVIDIA GPU where libtorch has CUDA. The same source is
/// built against libtorch with and without it.
#pragma once
#include <ATen/ATen.h>

#include <string>

namespace haywatt::torch_plugin {

/// "cpu", "cuda" (the first) or "cuda:N". Error(Usage) for other text, Error(Unavailable), one line, where libtorch is
/// a CPU build or there is no such GPU.
[[nodiscard]] at::Device find_device(const std::string& name);

/// Waits until the device has done all it was asked to; nothing to wait for on the CPU.
void await(const at::Device& device);

/// A GPU copies from and to locked memory twice as fast as from and to other memory, and only so while the CPU goes on.
[[nodiscard]] at::Tensor to_device(const at::Tensor& host, const at::Device& device);
/// The tensor itself if it is there already.
[[nodiscard]] at::Tensor to_host(const at::Tensor& tensor);

}  // namespace haywatt::torch_plugin
