/// The verdict in plain words: what a study's summary does and does not say.
#pragma once
#include <string>
#include <vector>

#include "haywatt/metrics/summary.hpp"

namespace haywatt::report {

/// One subject a paragraph; plain text, not escaped.
struct Verdict {
  std::vector<std::string> smallest;  ///< one sentence a bound
  std::vector<std::string> energy;    ///< one sentence a bound; what cannot be told apart is said
  std::string payback;
  std::vector<std::string> baler;  ///< one sentence a bound; empty if the study has no baler
  [[nodiscard]] std::vector<std::string> paragraphs() const;
};

[[nodiscard]] Verdict make_verdict(const metrics::Summary& summary);

/// "lossless", "within range:1e-3", "with no bound": a bound as part of a sentence.
[[nodiscard]] std::string bound_words(const std::string& bound);

}  // namespace haywatt::report
