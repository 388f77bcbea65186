#include "haywatt/meter/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "meter/calibrated_power.hpp"

namespace haywatt::meter {
namespace {

using nlohmann::json;
constexpr const char* schema = "haywatt-calibration/1";
constexpr std::size_t most_points = 10'000;
constexpr double most_W = 1e6, least_span = 0.3;

std::string text_member(const json& j, const char* name) {
  const auto it = j.find(name);
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Calibration parse(const std::string& path) {
  const auto damaged = [&](const std::string& what) {
    fail_input(path + " is not a calibration of haywatt: " + what + " (make it again with 'haywatt calibrate')");
  };
  const json j = json::parse(read_text_file(path, 4 << 20), nullptr, false);
  if (!j.is_object()) damaged("no JSON object");
  if (text_member(j, "schema") != schema) damaged(std::string("its schema is not ") + schema);
  Calibration c{
      text_member(j, "machine"), text_member(j, "cpu_name"), text_member(j, "created"), text_member(j, "source"), {}};
  const auto points = j.find("points");
  if (points == j.end() || !points->is_array() || points->size() > most_points) damaged("no list of points");
  for (const json& p : *points) {
    const auto number = [&](const char* name) {
      if (!p.is_object() || !p.contains(name) || !p[name].is_number()) damaged(std::string("a point without ") + name);
      return p[name].get<double>();
    };
    c.points.push_back({number("load"), number("watts")});
  }
  try {
    check_calibration(c);
  } catch (const Error& e) {
    damaged(e.what());
  }
  return c;
}

}  // namespace

std::string calibration_path(const Machine& machine) {
  if (const char* path = std::getenv("HAYWATT_CALIBRATION"); path != nullptr && *path != '\0') return path;
  std::string folder;
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config != '\0')
    folder = config;
  else if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    folder = std::string(home) + "/.config";
  else
    fail_system("no place for a calibration: set HOME, XDG_CONFIG_HOME or HAYWATT_CALIBRATION");
  return folder + "/haywatt/calibration-" + machine.id + ".json";
}

void check_calibration(const Calibration& c) {
  if (c.points.size() > most_points) fail_input(fmt::format("more than {} readings of a wall meter", most_points));
  double low_load = 1.0, high_load = 0.0, low_W = 0.0, high_W = 0.0;
  for (const CalibrationPoint& p : c.points) {
    if (!(p.load >= 0.0 && p.load <= 1.0)) fail_input(fmt::format("a load of {:g} is not between 0 and 1", p.load));
    if (!(p.watts > 0.0 && p.watts < most_W))
      fail_input(fmt::format("{:g} W at {:.0f} % load cannot be the power of a machine", p.watts, 100.0 * p.load));
    if (p.load <= low_load) {
      low_load = p.load;
      low_W = p.watts;
    }
    if (p.load >= high_load) {
      high_load = p.load;
      high_W = p.watts;
    }
  }
  if (c.points.size() < 2 || high_load - low_load < least_span)
    fail_input(fmt::format("a calibration needs readings at loads at least {:.0f} % apart", 100.0 * least_span));
  if (!(high_W > 1.01 * low_W))
    fail_input(fmt::format("{:g} W at {:.0f} % load is not more than {:g} W at {:.0f} %: a plug of another machine?",
                           high_W, 100.0 * high_load, low_W, 100.0 * low_load));
}

void save_calibration(const std::string& path, const Calibration& c) {
  check_calibration(c);
  json points = json::array();
  for (const CalibrationPoint& p : c.points) points.push_back({{"load", p.load}, {"watts", p.watts}});
  const json j = {{"schema", schema},     {"machine", c.machine}, {"cpu_name", c.cpu_name},
                  {"created", c.created}, {"source", c.source},   {"points", points}};
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) fail_system("cannot make " + folder.string() + ": " + error.message());
  write_text_file(path, j.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

std::optional<Calibration> load_calibration(const std::string& path, const Machine& machine) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  Calibration c = parse(path);
  if (c.machine != machine.id) return std::nullopt;
  return c;
}

CalibratedLoad calibrated_at(const Calibration& calibration, const Machine& machine, double load) {
  const CalibratedPower power(calibration, machine.micro_architecture);
  const double watts = power.watts(load), factor = std::exp(1.96 * power.u_W(load) / watts);
  return {watts, watts / factor, watts * factor};
}

}  // namespace haywatt::meter
