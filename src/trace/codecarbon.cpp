// CodeCarbon's emissions.csv: the fields of its EmissionsData (codecarbon 3.3.2, output_methods/emissions_data.py) in
// their order.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "haywatt/metrics/summary.hpp"
#include "haywatt/trace/exports.hpp"
#include "trace/started.hpp"

namespace haywatt::trace {
namespace {

constexpr double bytes_per_GB = 1024.0 * 1024.0 * 1024.0;  // what CodeCarbon calls a gigabyte

constexpr double longest_s = 1e10;  // three centuries: a date's year stays in range

using Row = std::vector<std::pair<const char*, std::string>>;

std::string cell(std::optional<double> value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : std::string();
}

/// As RFC 4180 has it; control characters would break lines or terminals and carry nothing here.
std::string quoted(const std::string& text) {
  std::string out;
  bool needs_quotes = false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += ' ';
      continue;
    }
    needs_quotes = needs_quotes || c == ',' || c == '"';
    if (c == '"') out += '"';
    out += c;
  }
  return needs_quotes ? '"' + out + '"' : out;
}

/// Joules by CodeCarbon's parts; a figure of a whole machine part (wall, node, psys) has only a total.
struct Parts {
  std::optional<double> cpu, gpu, ram, total;
};

std::optional<double> attributed(const RunRecord& run, const char* boundary) {
  for (const EnergyFigure& e : run.energy)
    if (e.known && e.boundary == boundary && e.rule == "attributed" && e.share == "process-tree" &&
        e.sensor != "estimate")
      return e.joules.value;
  return std::nullopt;
}

Parts parts_of(const RunRecord& run) {
  const metrics::EnergyBasis basis = metrics::choose_energy_basis(run);
  Parts parts;
  if (!basis.known) return parts;
  if (basis.boundary != "package" && basis.boundary != "dram" && basis.boundary != "board") {
    if (const auto figure = metrics::run_energy(run, basis, "attributed")) parts.total = figure->value;
    return parts;
  }
  parts.cpu = attributed(run, "package");
  parts.ram = attributed(run, "dram");
  parts.gpu = attributed(run, "board");
  parts.total = parts.cpu.value_or(0.0) + parts.ram.value_or(0.0) + parts.gpu.value_or(0.0);
  return parts;
}

/// value*k, where there is a value.
std::optional<double> times(std::optional<double> value, double k) {
  if (!value) return std::nullopt;
  return *value * k;
}

}  // namespace

std::string to_codecarbon_csv(const ProgramRecord& record, const CodeCarbonOptions& options) {
  const RunRecord& run = record.run;
  const Machine& m = record.machine;
  const Parts joules = parts_of(run);
  const double pue = options.pue.value;
  const bool timed = std::isfinite(run.wall_s) && run.wall_s > 0.0;
  const double to_kWh = pue / metrics::joules_per_kWh;
  const double to_W = timed ? pue / run.wall_s : std::nan("");
  const auto kg = times(joules.total, to_kWh * options.grid.intensity.value / 1000.0);
  const auto started = started_unix_s(run.started);
  const std::string ended =
      started && timed ? iso_without_zone(*started + static_cast<std::int64_t>(std::min(run.wall_s, longest_s))) : "";
  // A share of the machine's CPUs, as the tracking mode says.
  const std::optional<double> cpu_percent =
      timed && m.logical_cpus > 0 ? std::optional(100.0 * run.cpu_s / run.wall_s / m.logical_cpus) : std::nullopt;

  const Row row = {{"timestamp", ended},
                   {"project_name", run.label},
                   {"run_id", run.id},
                   {"experiment_id", ""},
                   {"duration", cell(run.wall_s)},
                   {"emissions", cell(kg)},
                   {"emissions_rate", cell(times(kg, timed ? 1.0 / run.wall_s : std::nan("")))},
                   {"cpu_power", cell(times(joules.cpu, to_W))},
                   {"gpu_power", cell(times(joules.gpu, to_W))},
                   {"ram_power", cell(times(joules.ram, to_W))},
                   {"cpu_energy", cell(times(joules.cpu, to_kWh))},
                   {"gpu_energy", cell(times(joules.gpu, to_kWh))},
                   {"ram_energy", cell(times(joules.ram, to_kWh))},
                   {"energy_consumed", cell(times(joules.total, to_kWh))},
                   {"water_consumed", ""},
                   {"country_name", options.grid.name},
                   {"country_iso_code", options.grid.iso3},
                   {"region", ""},
                   {"cloud_provider", ""},
                   {"cloud_region", ""},
                   {"os", m.distribution.empty() ? m.kernel : m.kernel + ", " + m.distribution},
                   {"python_version", ""},
                   {"codecarbon_version", "haywatt " + record.haywatt_version},
                   {"cpu_count", m.logical_cpus > 0 ? std::to_string(m.logical_cpus) : ""},
                   {"cpu_model", m.cpu_name},
                   {"gpu_count", ""},
                   {"gpu_model", ""},
                   {"longitude", ""},
                   {"latitude", ""},
                   {"ram_total_size", m.memory_B > 0 ? cell(static_cast<double>(m.memory_B) / bytes_per_GB) : ""},
                   {"tracking_mode", "process"},
                   {"cpu_utilization_percent", cell(cpu_percent)},
                   {"gpu_utilization_percent", ""},
                   {"ram_utilization_percent", ""},
                   {"ram_used_gb", ""},
                   {"on_cloud", ""},
                   {"pue", cell(pue)},
                   {"wue", ""}};
  std::string head, values;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const char* separator = i == 0 ? "" : ",";
    head += separator + std::string(row[i].first);
    values += separator + quoted(row[i].second);
  }
  return head + "\n" + values + "\n";
}

}  // namespace haywatt::trace
