#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/sensors_watch.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/meter/sensor_survey.hpp"

namespace haywatt::cli {
namespace {

using meter::SensorSurvey;
using meter::SurveyedChannel;
using meter::SurveyedSensor;

nlohmann::json or_null(const std::optional<double>& v) { return v ? nlohmann::json(*v) : nlohmann::json(); }

bool is_used(const SurveyedChannel& c) { return c.fault.empty() && c.instead.empty(); }

nlohmann::json as_json(const SurveyedChannel& c) {
  return {{"boundary", c.channel.boundary},
          {"source", c.channel.source},
          {"used", is_used(c)},
          {"fault", c.fault},
          {"same_counter_as", c.instead},
          {"integrated_power", c.channel.integrated_power},
          {"carried_on", c.channel.carried_on},
          {"limit_W", c.channel.limit_W},
          {"gain_u_rel", c.channel.gain_u_rel},
          {"resolution_J", c.channel.resolution_J},
          {"update_period_s", c.channel.update_period_s},
          {"window_share", c.channel.window_share},
          {"window_s", c.channel.window_s},
          {"power_W", or_null(c.probe.power_W)},
          {"measured",
           {{"seconds", c.probe.seconds},
            {"steps", c.probe.steps},
            {"step_J", or_null(c.probe.step_J)},
            {"period_s", or_null(c.probe.period_s)}}}};
}

int print_json(const Machine& machine, const SensorSurvey& survey) {
  nlohmann::json sensors = nlohmann::json::array(), hints = nlohmann::json::array();
  bool any = false;
  for (const SurveyedSensor& s : survey.sensors) {
    nlohmann::json channels = nlohmann::json::array();
    for (const SurveyedChannel& c : s.channels) {
      channels.push_back(as_json(c));
      any = any || is_used(c);
    }
    sensors.push_back({{"sensor", s.name}, {"channels", channels}, {"remedies", s.remedies}});
  }
  for (const meter::SensorHint& h : survey.hints) hints.push_back({{"what", h.what}, {"commands", h.commands}});
  fmt::print("{}\n", nlohmann::json{{"schema", "haywatt-sensors/1"},
                                    {"virtual_machine", machine.virtual_machine},
                                    {"hypervisor", machine.hypervisor},
                                    {"open_s", survey.open_s},
                                    {"sensors", sensors},
                                    {"hints", hints},
                                    {"estimate_is_used", !any},
                                    {"estimate",
                                     {{"tier", survey.estimate.tier},
                                      {"basis", survey.estimate.basis},
                                      {"idle_W", survey.estimate.idle_W},
                                      {"full_W", survey.estimate.full_W},
                                      {"idle_factor", survey.estimate.idle_factor},
                                      {"full_factor", survey.estimate.full_factor}}}}
                         .dump(2));
  return 0;
}

void print_commands(const char* title, const std::vector<std::string>& commands) {
  if (commands.empty()) return;
  fmt::print("  {}\n", title);
  for (const std::string& c : commands) fmt::print("      {}\n", c);
}

/// "step 61.0 uJ, moves every 1.00 ms": measured, or what is known of it where measuring would show our own readings.
std::string quality(const SurveyedChannel& c) {
  if (c.channel.carried_on)
    return fmt::format("{}; a new value about every {} (not measured)",
                       c.channel.integrated_power ? "power, added up here" : "counter and power",
                       si(c.channel.update_period_s, "s"));
  if (c.probe.steps == 0) return {};
  std::string text = fmt::format("step {}", si(*c.probe.step_J, "J"));
  if (c.probe.period_s) text += fmt::format(", moves every {}", si(*c.probe.period_s, "s"));
  return text + fmt::format(" (measured in {:.1f} s)", c.probe.seconds);
}

void print_channel(const SurveyedChannel& c) {
  const std::string power = c.probe.power_W ? fmt::format("{:.1f} W", *c.probe.power_W) : "-";
  if (!c.fault.empty()) {
    fmt::print("  {:<8} {:>10}   {}\n", c.channel.boundary, "unknown", c.fault);
  } else {
    fmt::print("  {:<8} {:>10}   {}\n", c.channel.boundary, power, quality(c));
    std::string known = fmt::format("gain within {:.0f} % (95 %)", 196.0 * c.channel.gain_u_rel);
    if (c.channel.window_share < 1.0)
      known += fmt::format(", sees {:.0f} % of the time", 100.0 * c.channel.window_share);
    fmt::print("  {:<8} {:>10}   {}\n", "", "", known);
  }
  fmt::print("  {:<8} {:>10}   reads {}\n", "", "", c.channel.source);
  if (!c.instead.empty()) fmt::print("  {:<8} {:>10}   not used: {} shows the same counter\n", "", "", c.instead);
}

void print_estimate(const Machine& machine, const meter::EstimateOutlook& e) {
  fmt::print("No energy sensor can be read here.\n");
  if (machine.virtual_machine)
    fmt::print("This is a virtual machine{}: hosts seldom pass their energy counters on.\n",
               machine.hypervisor.empty() ? "" : " (" + machine.hypervisor + ")");
  fmt::print(
      "Joules are then estimated from CPU time (docs/energy.md), tier {}, from {}:\n"
      "  idle {:>8} at the wall, right within a factor of {:.2g} (95 %)\n"
      "  full {:>8} at the wall, right within a factor of {:.2g}\n"
      "Such an estimate cannot rank two programs differently from their CPU seconds.\n",
      e.tier, e.basis, si(e.idle_W, "W"), e.idle_factor, si(e.full_W, "W"), e.full_factor);
  if (e.tier == "calibrated") return;
  fmt::print("What narrows it:\n");
  if (machine.virtual_machine) {
    fmt::print("      haywatt calibrate --whole-host   # a wall meter, if this guest has its host to itself\n");
  } else {
    fmt::print("      haywatt calibrate                # readings of a wall meter, or a smart plug's file\n");
    fmt::print("      haywatt meter --idle-watts W ... # what the machine draws at the wall when idle\n");
    if (e.tier.starts_with("T3"))
      fmt::print("      haywatt meter --tdp W ...        # of one CPU, as its maker's data sheet says\n");
  }
}

int print_text(const Machine& machine, const SensorSurvey& survey) {
  std::size_t used = 0;
  for (const SurveyedSensor& s : survey.sensors) {
    fmt::print("{}\n", s.name);
    for (const SurveyedChannel& c : s.channels) {
      print_channel(c);
      used += is_used(c) ? 1 : 0;
    }
    print_commands("To make it readable, as root:", s.remedies);
    fmt::print("\n");
  }
  if (used == 0) print_estimate(machine, survey.estimate);
  if (used == 0 && !survey.hints.empty()) fmt::print("\n");
  for (const meter::SensorHint& h : survey.hints) {
    fmt::print("Not here yet: {}\n", h.what);
    print_commands("As root:", h.commands);
  }
  return 0;
}

}  // namespace

void add_sensors(CLI::App& app, Action& action) {
  struct Arguments {
    bool json = false, watch = false;
    int interval_ms = 1000;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("sensors", "List the energy sensors here, how good they are, and how to get more");
  c->add_flag("--json", a->json, "Print them as JSON (docs/cli-json.md)");
  CLI::Option* watch =
      c->add_flag("--watch", a->watch, "Show their power until Ctrl-C: a table on a terminal, else lines");
  c->add_option("--interval", a->interval_ms, "With --watch: milliseconds between two lines")
      ->needs(watch)
      ->check(CLI::Range(100, 60'000))
      ->capture_default_str()
      ->type_name("MS");
  add_verbosity(*c);
  c->footer(
      "Each sensor is watched for half a second. Boundaries: package (CPUs), dram, psys (CPU platform),\n"
      "board (GPUs), node (the whole machine), wall. Figures of different boundaries are never added.\n"
      "\nExamples:\n"
      "  haywatt sensors\n"
      "  sudo haywatt sensors          what could be read with more rights\n"
      "  haywatt sensors --watch       what they show now, every second\n"
      "  haywatt sensors --json | jq '.sensors[].channels[] | select(.used)'");
  c->callback([a, &action] {
    action = [a] {
      const Machine machine = describe_machine();
      if (a->watch) return watch_sensors(machine, a->interval_ms, a->json);
      const SensorSurvey survey = meter::survey_sensors(machine);
      return a->json ? print_json(machine, survey) : print_text(machine, survey);
    };
  });
}

}  // namespace haywatt::cli
