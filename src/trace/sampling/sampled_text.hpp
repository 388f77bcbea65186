/// What was sampled, as text between two processes.
#pragma once
#include <string>

#include "haywatt/trace/sampling.hpp"

namespace haywatt::trace {

[[nodiscard]] std::string text_of(const Sampled& sampled);
/// Text that is cut becomes a note that the sampler has failed.
[[nodiscard]] Sampled sampled_from_text(const std::string& text);

}  // namespace haywatt::trace
