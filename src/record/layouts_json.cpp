#include "haywatt/record/layouts.hpp"
#include "record/json_fields.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::number;
using record::utf8;

template <class T, class ToJson>
json list_of(const std::vector<T>& items, ToJson to_json) {
  json list = json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

json line_json(const LayoutLinkLine& l) {
  return {{"up_to_B", l.up_to_B == UINT64_MAX ? json(nullptr) : json(l.up_to_B)},
          {"alpha_s", number(l.alpha_s)},
          {"beta_s_per_B", number(l.beta_s_per_B)}};
}

json sample_json(const LayoutLinkSample& s) {
  return {{"bytes", s.bytes},
          {"one_way_s", number(s.one_way_s)},
          {"exchange_s", number(s.exchange_s)},
          {"send_s", number(s.send_s)},
          {"late_receive_s", number(s.late_receive_s)}};
}

json rank_json(const LayoutRank& r) {
  return {{"compute_s", number(r.compute_s)}, {"busy_s", number(r.busy_s)}, {"cpu_s", number(r.cpu_s)},
          {"finish_s", number(r.finish_s)},   {"weights_B", r.weights_B},   {"activations_B", r.activations_B}};
}

/// {"time_s": [by trial], "cpu_s": [[by trial], one a rank]}
json trials_json(const std::vector<LayoutTrial>& trials) {
  json time = json::array(), cpu = json::array();
  for (const LayoutTrial& t : trials) {
    time.push_back(number(t.time_s));
    for (std::size_t r = 0; r < t.cpu_s.size(); ++r) {
      if (cpu.size() == r) cpu.push_back(json::array());
      cpu[r].push_back(number(t.cpu_s[r]));
    }
  }
  return {{"time_s", std::move(time)}, {"cpu_s", std::move(cpu)}};
}

json case_json(const LayoutCase& c) {
  json j = {{"layout", utf8(c.layout)},
            {"model_parallel", c.model_parallel},
            {"batch", c.batch},
            {"predicted",
             {{"time_s", number(c.predicted_time_s)},
              {"cpu_s", number(c.predicted_cpu_s)},
              {"energy_J", number(c.predicted_J)},
              {"ranks", list_of(c.ranks, rank_json)}}},
            {"trials", trials_json(c.trials)},
            {"bit_equal", c.bit_equal},
            {"largest_difference", number(c.largest_difference)}};
  if (c.time_s.unit.empty()) return j;
  j["time"] = c.time_s;
  j["cpu"] = c.cpu_s;
  j["energy"] = c.energy_J;
  j["time_over_single"] = c.time_over_single;
  j["time_over_data"] = c.time_over_data;
  j["time_deviation"] = number(c.time_deviation);
  j["energy_deviation"] = number(c.energy_deviation);
  return j;
}

json network_json(const LayoutNetwork& n) {
  return {{"name", utf8(n.name)},
          {"transport", utf8(n.transport)},
          {"rate_bit_s", n.rate_bit_s ? number(*n.rate_bit_s) : json(nullptr)},
          {"added_latency_s", number(n.latency_s)},
          {"samples", list_of(n.samples, sample_json)},
          {"one_way", list_of(n.one_way, line_json)},
          {"exchange", list_of(n.exchange, line_json)},
          {"wait_cpu_share", number(n.wait_cpu_share)},
          {"alone_limit_B", n.alone_limit_B ? nlohmann::json(*n.alone_limit_B) : nlohmann::json()},
          {"worst_fit_deviation", number(n.worst_fit_deviation)},
          {"cases", list_of(n.cases, case_json)}};
}

json pays_in_json(const LayoutPaysIn& p) {
  return {{"widths", p.widths}, {"best_layout", p.layout}, {"best_width", p.width}, {"best_gain", number(p.gain)}};
}

json pays_json(const LayoutPays& p) {
  return {{"network", utf8(p.network)},
          {"extrapolated", p.extrapolated},
          {"ranks", p.ranks},
          {"batch", p.batch},
          {"time", pays_in_json(p.time)},
          {"energy", pays_in_json(p.energy)},
          {"assumption", utf8(p.assumption)}};
}

}  // namespace

void to_json(json& j, const LayoutPart& p) {
  j = {{"widen", p.widen},
       {"macs_per_row", p.macs_per_row},
       {"weights_B", p.weights_B},
       {"mpi", utf8(p.mpi)},
       {"blas", utf8(p.blas)},
       {"curve",
        {{"layer_s", number(p.curve.layer_s)},
         {"s_per_FLOP", number(p.curve.s_per_FLOP)},
         {"s_per_weight_B", number(p.curve.s_per_weight_B)},
         {"worst_deviation", number(p.curve.worst_deviation)},
         {"median_deviation", number(p.curve.median_deviation)}}},
       {"joules_per_cpu_s", p.joules_per_cpu_s},
       {"networks", list_of(p.networks, network_json)}};
}

void to_json(json& j, const LayoutsRecord& r) {
  j = {{"schema", "haywatt-layouts/1"},
       {"haywatt_version", utf8(r.haywatt_version)},
       {"started", utf8(r.started)},
       {"finished", utf8(r.finished)},
       {"command", utf8(r.command)},
       {"machine", r.machine},
       {"ranks", r.ranks},
       {"columns", r.columns},
       {"latent", r.latent},
       {"micro_batches", r.micro_batches},
       {"waiting", utf8(r.waiting)},
       {"parts", r.parts},
       {"pays", list_of(r.pays, pays_json)},
       {"deviation",
        {{"cases", r.cases},
         {"time",
          {{"worst", number(r.worst_time_deviation)},
           {"median", number(r.median_time_deviation)},
           {"within_20_percent", r.within_20_percent}}},
         {"energy",
          {{"worst", number(r.worst_energy_deviation)},
           {"median", number(r.median_energy_deviation)},
           {"within_20_percent", r.energy_within_20_percent}}}}},
       {"notes", list_of(r.notes, [](const std::string& s) { return utf8(s); })}};
}

}  // namespace haywatt
