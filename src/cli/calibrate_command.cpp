#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/meter/calibration.hpp"

namespace haywatt::cli {
namespace {

using meter::Calibration;

struct Arguments {
  std::optional<double> idle_W, full_W;
  std::vector<std::string> at;
  std::string plug, load_log, step = "60s", settle = "10s";
  meter::PowerColumns columns;
  bool run = false, show = false, whole_host = false, json = false;
};

std::string log_path(const Arguments& a, const std::string& calibration) {
  if (!a.load_log.empty()) return a.load_log;
  const auto dot = calibration.rfind(".json");
  return calibration.substr(0, dot) + ".load.csv";
}

double duration(const std::string& text, const char* option) {
  const auto seconds = parse_duration_s(text);
  if (!seconds) fail_usage(fmt::format("{} '{}': write a duration such as 60s", option, text));
  return *seconds;
}

/// "50:81.5": load in percent, watts.
meter::CalibrationPoint point_of(const std::string& text) {
  const auto colon = text.find(':');
  const auto load = parse_double(text.substr(0, colon));
  const auto watts = colon == std::string::npos ? std::nullopt : parse_double(text.substr(colon + 1));
  if (!load || !watts || !(*load >= 0.0 && *load <= 100.0))
    fail_usage("--at '" + text + "': write LOAD:WATTS, the load in percent, such as 50:81.5");
  return {*load / 100.0, *watts};
}

void print(const Calibration& c, const Machine& machine, const std::string& path, bool json) {
  const std::vector<double> loads = {0.0, 0.1, 0.25, 0.5, 0.75, 1.0};
  if (json) {
    nlohmann::json points = nlohmann::json::array(), curve = nlohmann::json::array();
    for (const auto& p : c.points) points.push_back({{"load", p.load}, {"watts", p.watts}});
    for (const double u : loads) {
      const auto at = meter::calibrated_at(c, machine, u);
      curve.push_back({{"load", u}, {"W", at.watts}, {"low_W", at.low}, {"high_W", at.high}, {"level", 0.95}});
    }
    const nlohmann::json j = {{"schema", "haywatt-calibrate/1"},
                              {"file", path},
                              {"machine", c.machine},
                              {"created", c.created},
                              {"source", c.source},
                              {"points", points},
                              {"curve", curve}};
    fmt::print("{}\n", j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{} readings of a wall meter ({}), {}\n", c.points.size(), c.source, c.created);
  fmt::print("  load      W   95 %\n");
  for (const double u : loads) {
    const auto at = meter::calibrated_at(c, machine, u);
    fmt::print("{:>5.0f} % {:>6.1f}   {:.1f} to {:.1f}\n", 100.0 * u, at.watts, at.low, at.high);
  }
  fmt::print("kept in {}; the estimate of this machine uses it from now on\n", path);
}

std::vector<meter::LoadStep> run_steps(double step_s) {
  std::vector<meter::LoadStep> steps;
  for (const double load : {0.0, 0.25, 0.5, 0.75, 1.0, 0.0}) {
    log::info(fmt::format("holding {:.0f} % load for {:g} s", 100.0 * load, step_s));
    steps.push_back(meter::hold_load(load, step_s));
    if (std::abs(steps.back().load - load) > 0.1)
      log::warning(fmt::format("{:.0f} % of the CPUs were busy: something else runs on this machine",
                               100.0 * steps.back().load));
  }
  return steps;
}

/// Asks for the meter's reading while the machine is loaded; the reading is made at the end of each step.
std::vector<meter::CalibrationPoint> ask(double settle_s) {
  std::vector<meter::CalibrationPoint> points;
  for (const double load : {0.0, 0.5, 1.0}) {
    fmt::print("\n{:.0f} % load: watch the wall meter for {:g} s ...\n", 100.0 * load, settle_s);
    std::fflush(stdout);
    const meter::LoadStep step = meter::hold_load(load, settle_s);
    for (;;) {
      fmt::print("What did it show at the end, in watts? ");
      std::fflush(stdout);
      std::string line;
      if (!std::getline(std::cin, line)) fail_usage("no reading was typed: nothing was kept");
      if (const auto watts = parse_double(line); watts && std::isfinite(*watts) && *watts > 0.0) {
        points.push_back({step.load, *watts});
        break;
      }
      fmt::print("'{}' is not a number of watts.\n", line);
    }
  }
  return points;
}

int calibrate(const Arguments& a) {
  const Machine machine = describe_machine();
  const std::string path = meter::calibration_path(machine);
  if (a.show) {
    const auto known = meter::load_calibration(path, machine);
    if (!known) fail_unavailable("this machine was not calibrated yet (" + path + ")");
    print(*known, machine, path, a.json);
    return 0;
  }
  if (machine.virtual_machine && !a.whole_host)
    fail_unavailable(
        "this is a virtual machine: a wall meter sees its host and every other guest; calibrate the host, or say "
        "--whole-host if this guest has the machine to itself");
  Calibration c{machine.id, machine.cpu_name, utc_now(), "typed", {}};
  if (a.run) {
    const std::string log = log_path(a, path);
    meter::write_load_log(log, run_steps(duration(a.step, "--step")));
    log::info("the loads and their times are in " + log + "; now: haywatt calibrate --plug FILE.csv");
    return 0;
  }
  if (!a.plug.empty()) {
    const auto readings = meter::read_power_csv(a.plug, a.columns);
    c.points = meter::match_power(meter::read_load_log(log_path(a, path)), readings, duration(a.settle, "--settle"));
    c.source = a.plug;
  } else if (a.idle_W || a.full_W || !a.at.empty()) {
    if (a.idle_W) c.points.push_back({0.0, *a.idle_W});
    if (a.full_W) c.points.push_back({1.0, *a.full_W});
    for (const std::string& text : a.at) c.points.push_back(point_of(text));
  } else {
    if (::isatty(STDIN_FILENO) != 1)
      fail_usage("nothing to calibrate with: give --idle-watts and --full-watts, or --plug, or run it on a terminal");
    c.source = "asked";
    c.points = ask(duration(a.settle, "--settle"));
  }
  meter::save_calibration(path, c);
  print(c, machine, path, a.json);
  return 0;
}

}  // namespace

void add_calibrate(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("calibrate", "Tell the estimate what a wall meter shows of this machine");
  c->add_option("--idle-watts", a->idle_W, "Reading of the meter while nothing runs")->type_name("W");
  c->add_option("--full-watts", a->full_W, "Reading while every CPU is busy")->type_name("W");
  c->add_option("--at", a->at, "Reading at another load in percent; may be repeated")
      ->type_name("LOAD:WATTS")
      ->allow_extra_args(false);
  c->add_flag("--run", a->run, "Hold known loads one after the other and log their times, for --plug");
  c->add_option("--step", a->step, "With --run: how long each load is held")->capture_default_str()->type_name("TIME");
  c->add_option("--plug", a->plug, "Export of a smart plug that recorded while --run ran")->type_name("FILE.csv");
  c->add_option("--load-log", a->load_log, "File of --run's log (default: beside the calibration)")->type_name("FILE");
  c->add_option("--time-column", a->columns.time, "Name or number of the plug's column")->type_name("COLUMN");
  c->add_option("--watts-column", a->columns.watts, "Name or number of the plug's column")->type_name("COLUMN");
  c->add_option("--settle", a->settle, "Left out of the start of each load, and how long it is held before asking")
      ->capture_default_str()
      ->type_name("TIME");
  c->add_flag("--whole-host", a->whole_host, "In a virtual machine that has its host to itself");
  c->add_flag("--show", a->show, "Print the calibration of this machine");
  c->add_flag("--json", a->json, "Print it as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt calibrate                                       asks at idle, half and full load\n"
      "  haywatt calibrate --idle-watts 41 --full-watts 128 --at 50:92\n"
      "  haywatt calibrate --run && haywatt calibrate --plug plug.csv");
  c->callback([a, &action] { action = [a] { return calibrate(*a); }; });
}

}  // namespace haywatt::cli
