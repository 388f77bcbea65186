// prmon's two files. Names and units: HSF/prmon 3.3.0, package/src/{wallmon,cpumon,iomon,memmon,countmon}.h; the order
// of columns is prmon's: by monitor, then by name.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "haywatt/trace/exports.hpp"
#include "trace/started.hpp"

namespace haywatt::trace {
namespace {

using nlohmann::json;

constexpr std::uint64_t bytes_per_kB = 1024;

/// prmon counts in whole units; what is not finite or negative is unknown.
std::optional<std::uint64_t> whole(double value) {
  constexpr double largest = 9e18;
  if (!(value >= 0.0 && value < largest)) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

/// Averages with three decimals, as prmon rounds them.
double average(double value) { return std::floor(value * 1000.0) / 1000.0; }

template <class Get>
double mean_of(const std::vector<SampleRecord>& samples, Get get) {
  double total = 0.0;
  for (const SampleRecord& s : samples) total += static_cast<double>(get(s));
  return total / static_cast<double>(samples.size());
}

void put(json& section, const char* name, std::optional<std::uint64_t> value) {
  if (value) section[name] = *value;
}

/// Processes and threads are counted in samples only.
bool counts_processes(const std::vector<SampleRecord>& samples) {
  return std::any_of(samples.begin(), samples.end(), [](const SampleRecord& s) { return s.processes > 0; });
}

json maxima(const RunRecord& run) {
  json max = json::object();
  put(max, "wtime", whole(run.wall_s));
  if (run.tree) {
    put(max, "utime", whole(run.tree->user_s));
    put(max, "stime", whole(run.tree->system_s));
    if (run.tree->pss_peak_B > 0) max["pss"] = run.tree->pss_peak_B / bytes_per_kB;
  }
  if (run.rss_peak_B > 0) max["rss"] = run.rss_peak_B / bytes_per_kB;
  max["rchar"] = run.read_B;
  max["wchar"] = run.written_B;
  if (counts_processes(run.samples)) {
    std::uint64_t processes = 0, threads = run.tree ? run.tree->threads_peak : 0;
    for (const SampleRecord& s : run.samples) {
      processes = std::max(processes, s.processes);
      threads = std::max(threads, s.threads);
    }
    max["nprocs"] = processes;
    max["nthreads"] = threads;
  }
  return max;
}

json averages(const RunRecord& run) {
  json avg = json::object();
  if (std::isfinite(run.wall_s) && run.wall_s > 0.0) {
    avg["rchar"] = average(static_cast<double>(run.read_B) / run.wall_s);
    avg["wchar"] = average(static_cast<double>(run.written_B) / run.wall_s);
  }
  if (!run.samples.empty())
    avg["rss"] = average(mean_of(run.samples, [](const auto& s) { return s.rss_B; }) / bytes_per_kB);
  if (counts_processes(run.samples)) {
    avg["nprocs"] = average(mean_of(run.samples, [](const auto& s) { return s.processes; }));
    avg["nthreads"] = average(mean_of(run.samples, [](const auto& s) { return s.threads; }));
  }
  return avg;
}

json hardware(const Machine& m) {
  json cpu = json::object();
  if (!m.cpu_name.empty()) cpu["ModelName"] = m.cpu_name;
  if (m.logical_cpus > 0) cpu["CPUs"] = m.logical_cpus;
  if (m.sockets > 0) {
    cpu["Sockets"] = m.sockets;
    if (m.physical_cores > 0) cpu["CoresPerSocket"] = m.physical_cores / m.sockets;
  }
  if (m.physical_cores > 0 && m.logical_cpus > 0) cpu["ThreadsPerCore"] = m.logical_cpus / m.physical_cores;
  json hw = json::object();
  if (!cpu.empty()) hw["cpu"] = cpu;
  if (m.memory_B > 0) hw["mem"] = {{"MemTotal", m.memory_B / bytes_per_kB}};
  return hw;
}

/// Without the components: the record has them.
json energy_of(const RunRecord& run) {
  json list = run.energy;
  for (json& figure : list) {
    figure.erase("components");
    figure.erase("interval");
  }
  return list;
}

json own_section(const ProgramRecord& record, const json& max) {
  json left_out = json::array();
  for (const char* name : {"wtime", "utime", "stime", "nprocs", "nthreads", "rss", "pss", "vmem", "swap", "rchar",
                           "wchar", "read_bytes", "write_bytes", "rx_bytes", "rx_packets", "tx_bytes", "tx_packets"})
    if (!max.contains(name)) left_out.push_back(name);
  return {{"version", record.haywatt_version},
          {"record", "haywatt-record/1"},
          {"label", record.run.label},
          {"energy", energy_of(record.run)},
          {"left_out", left_out}};
}

}  // namespace

std::string to_prmon_json(const ProgramRecord& record) {
  const json max = maxima(record.run);
  const json summary = {{"Max", max},
                        {"Avg", averages(record.run)},
                        {"HW", hardware(record.machine)},
                        {"prmon", {{"Version", "haywatt " + record.haywatt_version}}},
                        {"haywatt", own_section(record, max)}};
  return summary.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string to_prmon_text(const ProgramRecord& record) {
  const RunRecord& run = record.run;
  const std::int64_t started = started_unix_s(run.started).value_or(0);
  const bool counts = counts_processes(run.samples);
  std::string text = counts ? "Time\tnprocs\tnthreads\trchar\twchar\trss\twtime\n" : "Time\trchar\twchar\trss\twtime\n";
  std::optional<std::uint64_t> last;
  for (const SampleRecord& s : run.samples) {
    const auto second = whole(s.t_s);
    // prmon's clock has whole seconds: several lines of one second would make its plots divide by zero.
    if (!second || (last && *second <= *last)) continue;
    last = second;
    text += fmt::format("{}", started + static_cast<std::int64_t>(*second));
    if (counts) text += fmt::format("\t{}\t{}", s.processes, s.threads);
    text += fmt::format("\t{}\t{}\t{}\t{}\n", s.read_B, s.written_B, s.rss_B / bytes_per_kB, *second);
  }
  return text;
}

}  // namespace haywatt::trace
