/// One half of Baler's AE, run batch by batch in the ways that libtorch offers.
#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "haywatt/codec/baler/libtorch_baler.hpp"

namespace haywatt::torch_plugin {

/// Takes a batch in the network's input type (float64 or float32) and returns its output in the same type.
using Half = std::function<at::Tensor(const at::Tensor&)>;

/// `name`: "encoder" or "decoder", for layers as they are watched. Weights lie on the device. Layer by layer; frozen
/// TorchScript; or quantised, as the habits say. Error(Unavailable) if this libtorch cannot.
Half make_half(const std::vector<baler::Linear>& layers, const std::string& name, const baler::Habits& habits,
               const at::Device& device);

/// The type in which rows enter and leave: float64, else float32.
at::ScalarType border_type(baler::NetworkType type);

}  // namespace haywatt::torch_plugin
