#include "codec/baler_golden.hpp"

#include <cmath>

namespace haywatt::baler::test {

void fill(Model& model, std::uint64_t seed) {
  Lcg g(seed);
  for (std::vector<Linear>* half : {&model.encoder, &model.decoder}) {
    for (Linear& layer : *half) {
      const double reach = 1.0 / std::sqrt(static_cast<double>(layer.inputs));
      for (std::vector<double>* values : {&layer.weight, &layer.bias}) {
        for (double& v : *values) {
          v = (2.0 * g.next() - 1.0) * reach;
          if (model.float32) v = static_cast<double>(static_cast<float>(v));
        }
      }
    }
  }
}

}  // namespace haywatt::baler::test
