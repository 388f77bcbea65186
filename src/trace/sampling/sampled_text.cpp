#include "trace/sampling/sampled_text.hpp"

#include <nlohmann/json.hpp>

namespace haywatt::trace {
namespace {

using nlohmann::json;

std::string valid(const std::string& text) {
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

}  // namespace

std::string text_of(const Sampled& sampled) {
  const StackProfile& s = sampled.stacks;
  json frames = json::array(), nodes = json::array();
  for (const FrameRecord& f : s.frames) frames.push_back({valid(f.function), valid(f.module), valid(f.file), f.line});
  for (const StackNode& n : s.nodes) nodes.push_back({n.parent, n.frame, n.samples, n.self_s});
  return json{{"by", s.by},
              {"clock", s.clock},
              {"period_s", s.period_s},
              {"samples", s.samples},
              {"lost", s.lost},
              {"frames", std::move(frames)},
              {"nodes", std::move(nodes)},
              {"cpu_s", sampled.sampler_cpu_s},
              {"notes", sampled.notes}}
      .dump();
}

Sampled sampled_from_text(const std::string& text) {
  Sampled sampled;
  const json j = json::parse(text, nullptr, false);
  if (!j.is_object()) {
    sampled.notes.emplace_back("the sampler failed before the program's end: there are no stacks");
    return sampled;
  }
  StackProfile& s = sampled.stacks;
  j.at("by").get_to(s.by);
  j.at("clock").get_to(s.clock);
  j.at("period_s").get_to(s.period_s);
  j.at("samples").get_to(s.samples);
  j.at("lost").get_to(s.lost);
  for (const json& f : j.at("frames")) s.frames.push_back({f.at(0), f.at(1), f.at(2), f.at(3)});
  for (const json& n : j.at("nodes")) s.nodes.push_back({n.at(0), n.at(1), n.at(2), n.at(3)});
  j.at("cpu_s").get_to(sampled.sampler_cpu_s);
  j.at("notes").get_to(sampled.notes);
  return sampled;
}

}  // namespace haywatt::trace
