// Reading what layouts_json.cpp writes.
#include "haywatt/base/error.hpp"
#include "haywatt/record/layouts.hpp"
#include "record/json_fields.hpp"
#include "record/series_json.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
using record::array_member;
using record::object_member;
using record::read_member;

std::optional<double> optional_number(const json& j, const char* name) {
  const auto it = j.find(name);
  if (it == j.end() || it->is_null()) return {};
  double out = 0.0;
  record::read_value(*it, name, out);
  return out;
}

std::vector<LayoutLinkLine> lines_from(const json& j, const char* name) {
  std::vector<LayoutLinkLine> lines;
  for (const json& item : array_member(j, name)) {
    record::expect_object(item, name);
    LayoutLinkLine& l = lines.emplace_back();
    if (const auto it = item.find("up_to_B"); it != item.end() && !it->is_null())
      record::read_value(*it, "up_to_B", l.up_to_B);
    read_member(item, "alpha_s", l.alpha_s);
    read_member(item, "beta_s_per_B", l.beta_s_per_B);
  }
  return lines;
}

LayoutRank rank_from(const json& j) {
  record::expect_object(j, "rank");
  LayoutRank r;
  read_member(j, "compute_s", r.compute_s);
  read_member(j, "busy_s", r.busy_s);
  read_member(j, "cpu_s", r.cpu_s);
  read_member(j, "finish_s", r.finish_s);
  read_member(j, "weights_B", r.weights_B);
  read_member(j, "activations_B", r.activations_B);
  return r;
}

std::vector<LayoutTrial> trials_from(const json& j) {
  std::vector<LayoutTrial> trials;
  for (const double t : record::numbers(array_member(j, "time_s"), "time_s")) trials.push_back({t, {}});
  for (const json& rank : array_member(j, "cpu_s")) {
    const std::vector<double> cpu = record::numbers(rank, "cpu_s");
    if (cpu.size() != trials.size()) fail_input("record: \"cpu_s\" has another number of trials than \"time_s\"");
    for (std::size_t i = 0; i < cpu.size(); ++i) trials[i].cpu_s.push_back(cpu[i]);
  }
  return trials;
}

LayoutCase case_from(const json& j) {
  record::expect_object(j, "case");
  LayoutCase c;
  read_member(j, "layout", c.layout);
  read_member(j, "model_parallel", c.model_parallel);
  read_member(j, "batch", c.batch);
  const json& predicted = object_member(j, "predicted");
  read_member(predicted, "time_s", c.predicted_time_s);
  read_member(predicted, "cpu_s", c.predicted_cpu_s);
  read_member(predicted, "energy_J", c.predicted_J);
  for (const json& r : array_member(predicted, "ranks")) c.ranks.push_back(rank_from(r));
  c.trials = trials_from(object_member(j, "trials"));
  read_member(j, "bit_equal", c.bit_equal);
  read_member(j, "largest_difference", c.largest_difference);
  const auto figure = [&](const char* name, Figure& out) {
    if (j.contains(name)) j[name].get_to(out);
  };
  figure("time", c.time_s);
  figure("cpu", c.cpu_s);
  figure("energy", c.energy_J);
  figure("time_over_single", c.time_over_single);
  figure("time_over_data", c.time_over_data);
  read_member(j, "time_deviation", c.time_deviation);
  read_member(j, "energy_deviation", c.energy_deviation);
  return c;
}

LayoutNetwork network_from(const json& j) {
  record::expect_object(j, "network");
  LayoutNetwork n;
  read_member(j, "name", n.name);
  read_member(j, "transport", n.transport);
  n.rate_bit_s = optional_number(j, "rate_bit_s");
  read_member(j, "added_latency_s", n.latency_s);
  for (const json& item : array_member(j, "samples")) {
    record::expect_object(item, "sample");
    LayoutLinkSample& s = n.samples.emplace_back();
    read_member(item, "bytes", s.bytes);
    read_member(item, "one_way_s", s.one_way_s);
    read_member(item, "exchange_s", s.exchange_s);
    read_member(item, "send_s", s.send_s);
    read_member(item, "late_receive_s", s.late_receive_s);
  }
  n.one_way = lines_from(j, "one_way");
  n.exchange = lines_from(j, "exchange");
  read_member(j, "wait_cpu_share", n.wait_cpu_share);
  if (const auto limit = optional_number(j, "alone_limit_B")) n.alone_limit_B = static_cast<std::uint64_t>(*limit);
  read_member(j, "worst_fit_deviation", n.worst_fit_deviation);
  for (const json& c : array_member(j, "cases")) n.cases.push_back(case_from(c));
  return n;
}

LayoutPaysIn pays_in_from(const json& j) {
  LayoutPaysIn p;
  for (const json& w : array_member(j, "widths")) record::read_value(w, "widths", p.widths.emplace_back());
  read_member(j, "best_layout", p.layout);
  read_member(j, "best_width", p.width);
  read_member(j, "best_gain", p.gain);
  return p;
}

LayoutPays pays_from(const json& j) {
  record::expect_object(j, "pays");
  LayoutPays p;
  read_member(j, "network", p.network);
  read_member(j, "extrapolated", p.extrapolated);
  read_member(j, "ranks", p.ranks);
  read_member(j, "batch", p.batch);
  p.time = pays_in_from(object_member(j, "time"));
  p.energy = pays_in_from(object_member(j, "energy"));
  read_member(j, "assumption", p.assumption);
  return p;
}

}  // namespace

void from_json(const json& j, LayoutPart& p) {
  record::expect_object(j, "part");
  p = LayoutPart{};
  read_member(j, "widen", p.widen);
  read_member(j, "macs_per_row", p.macs_per_row);
  read_member(j, "weights_B", p.weights_B);
  read_member(j, "mpi", p.mpi);
  read_member(j, "blas", p.blas);
  const json& curve = object_member(j, "curve");
  read_member(curve, "layer_s", p.curve.layer_s);
  read_member(curve, "s_per_FLOP", p.curve.s_per_FLOP);
  read_member(curve, "s_per_weight_B", p.curve.s_per_weight_B);
  read_member(curve, "worst_deviation", p.curve.worst_deviation);
  read_member(curve, "median_deviation", p.curve.median_deviation);
  if (j.contains("joules_per_cpu_s")) j["joules_per_cpu_s"].get_to(p.joules_per_cpu_s);
  for (const json& n : array_member(j, "networks")) p.networks.push_back(network_from(n));
}

void from_json(const json& j, LayoutsRecord& r) {
  record::expect_object(j, "layouts");
  std::string schema;
  read_member(j, "schema", schema);
  if (schema != "haywatt-layouts/1") fail_input("record: schema \"" + schema + "\" is not haywatt-layouts/1");
  r = LayoutsRecord{};
  read_member(j, "haywatt_version", r.haywatt_version);
  read_member(j, "started", r.started);
  read_member(j, "finished", r.finished);
  read_member(j, "command", r.command);
  if (j.contains("machine")) j["machine"].get_to(r.machine);
  read_member(j, "ranks", r.ranks);
  read_member(j, "columns", r.columns);
  read_member(j, "latent", r.latent);
  read_member(j, "micro_batches", r.micro_batches);
  read_member(j, "waiting", r.waiting);
  record::read_list(j, "parts", r.parts);
  for (const json& p : array_member(j, "pays")) r.pays.push_back(pays_from(p));
  const json& deviation = object_member(j, "deviation");
  read_member(deviation, "cases", r.cases);
  const json& time = object_member(deviation, "time");
  read_member(time, "worst", r.worst_time_deviation);
  read_member(time, "median", r.median_time_deviation);
  read_member(time, "within_20_percent", r.within_20_percent);
  const json& energy = object_member(deviation, "energy");
  read_member(energy, "worst", r.worst_energy_deviation);
  read_member(energy, "median", r.median_energy_deviation);
  read_member(energy, "within_20_percent", r.energy_within_20_percent);
  record::read_texts(j, "notes", r.notes);
}

}  // namespace haywatt
