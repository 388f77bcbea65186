/// JSON of what grows with the length of a run. Long series are kept as one array a member, which is a third of the
/// size of one object an item.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "haywatt/record/record.hpp"

namespace haywatt::record {

[[nodiscard]] nlohmann::json spans_json(const std::vector<SpanRecord>& spans);
[[nodiscard]] nlohmann::json samples_json(const std::vector<SampleRecord>& samples);
[[nodiscard]] nlohmann::json power_json(const std::vector<PowerSeries>& power);

/// These read the members "spans", "samples" and "power" of `parent`; absent is empty, another shape Error(BadInput).
void read_spans(const nlohmann::json& parent, std::vector<SpanRecord>& spans);
void read_samples(const nlohmann::json& parent, std::vector<SampleRecord>& samples);
void read_power(const nlohmann::json& parent, std::vector<PowerSeries>& power);

[[nodiscard]] nlohmann::json texts_json(const std::vector<std::string>& texts);
void read_texts(const nlohmann::json& parent, const char* name, std::vector<std::string>& texts);

}  // namespace haywatt::record
