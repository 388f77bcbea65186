#include <array>

#include "haywatt/record/figure.hpp"
#include "record/json_fields.hpp"

namespace haywatt {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 6> kind_names = {"run", "sensor", "machine", "model", "grid", "pue"};

json component_json(const Component& c) {
  json j = {{"name", record::utf8(c.name)}, {"type", std::string(1, c.type)}};
  if (c.u_abs != 0.0) j["u_abs"] = record::number(c.u_abs);
  if (c.u_rel != 0.0 || c.u_abs == 0.0) j["u_rel"] = record::number(c.u_rel);
  j["correlation"] = {{"kind", kind_names.at(static_cast<std::size_t>(c.correlation.kind))},
                      {"id", record::utf8(c.correlation.id)}};
  return j;
}

Component component_from(const json& j) {
  record::expect_object(j, "component");
  Component c;
  std::string type = "B", kind = "run";
  record::read_member(j, "name", c.name);
  record::read_member(j, "type", type);
  record::read_member(j, "u_rel", c.u_rel);
  record::read_member(j, "u_abs", c.u_abs);
  if (type != "A" && type != "B") fail_input("record: the type of a component must be \"A\" or \"B\"");
  c.type = type.front();
  const json& correlation = record::object_member(j, "correlation");
  record::read_member(correlation, "kind", kind);
  record::read_member(correlation, "id", c.correlation.id);
  for (std::size_t i = 0; i < kind_names.size(); ++i) {
    if (kind != kind_names[i]) continue;
    c.correlation.kind = static_cast<CorrelationKind>(i);
    return c;
  }
  fail_input("record: the correlation kind of a component must be one of run, sensor, machine, model, grid, pue");
}

json components_json(const Figure& f) {
  json list = json::array();
  for (const Component& c : f.components) list.push_back(component_json(c));
  return list;
}

void read_common(const json& j, Figure& f) {
  record::read_member(j, "level", f.level);
  record::read_member(j, "interval", f.interval);
  f.components.clear();
  for (const json& c : record::array_member(j, "components")) f.components.push_back(component_from(c));
}

/// A figure whose interval the writer left out is taken as exact.
void read_value(const json& j, Figure& f, const char* value, const char* low, const char* high) {
  record::read_member(j, value, f.value);
  f.low = f.high = f.value;
  record::read_member(j, low, f.low);
  record::read_member(j, high, f.high);
}

}  // namespace

void to_json(json& j, const Figure& f) {
  j = {{"value", record::number(f.value)},    {"unit", record::utf8(f.unit)},     {"low", record::number(f.low)},
       {"high", record::number(f.high)},      {"level", record::number(f.level)}, {"components", components_json(f)},
       {"interval", record::utf8(f.interval)}};
}

void from_json(const json& j, Figure& f) {
  record::expect_object(j, "figure");
  f = Figure{};
  record::read_member(j, "unit", f.unit);
  read_value(j, f, "value", "low", "high");
  read_common(j, f);
}

void to_json(json& j, const EnergyFigure& f) {
  const auto joules = [&](double x) { return f.known ? record::number(x) : json(nullptr); };
  j = {{"value_J", joules(f.joules.value)},
       {"low_J", joules(f.joules.low)},
       {"high_J", joules(f.joules.high)},
       {"level", record::number(f.joules.level)},
       {"sensor", record::utf8(f.sensor)},
       {"boundary", record::utf8(f.boundary)},
       {"share", record::utf8(f.share)},
       {"rule", record::utf8(f.rule)},
       {"tier", record::utf8(f.tier)},
       {"components", f.known ? components_json(f.joules) : json::array()},
       {"interval", record::utf8(f.joules.interval)},
       {"known", f.known},
       {"note", record::utf8(f.note)}};
}

void from_json(const json& j, EnergyFigure& f) {
  record::expect_object(j, "energy figure");
  f = EnergyFigure{};
  f.joules = Figure::exact(std::numeric_limits<double>::quiet_NaN(), std::string("J"));
  f.joules.interval.clear();
  read_value(j, f.joules, "value_J", "low_J", "high_J");
  read_common(j, f.joules);
  record::read_member(j, "sensor", f.sensor);
  record::read_member(j, "boundary", f.boundary);
  record::read_member(j, "share", f.share);
  record::read_member(j, "rule", f.rule);
  record::read_member(j, "tier", f.tier);
  record::read_member(j, "note", f.note);
  f.known = std::isfinite(f.joules.value);
  bool said_known = f.known;
  record::read_member(j, "known", said_known);
  f.known = f.known && said_known;
}

}  // namespace haywatt
