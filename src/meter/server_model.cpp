#include "meter/server_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "haywatt/base/text.hpp"
#include "haywatt_known_server_table.hpp"
#include "haywatt_thread_table.hpp"
#include "meter/cpu_names.hpp"

namespace haywatt::meter {
namespace {

constexpr double least_ratio = 1.05;  // full over idle
constexpr double GiB = 1024.0 * 1024.0 * 1024.0;

/// Natural logarithms of idle and full power, and what intervals belong to them.
struct Logs {
  double idle = 0.0, full = 0.0;
  std::string tier, interval, basis;
};

/// Tier T1: ln W = (CPU) + a ln sockets + b ln memory; (CPU) is the mean over its machines in the table.
std::optional<Logs> known_cpu(const Machine& m, double sockets) {
  const std::string key = cpu_key(m.cpu_name);
  const double memory_GiB = static_cast<double>(m.memory_B) / GiB;
  if (key.empty() || memory_GiB <= 0.0) return std::nullopt;
  const auto term = [](const char* part, const char* name) { return coefficient("T1", part, name).value_or(0.0); };
  const double idle_sockets = term("idle", "ln_sockets"), idle_memory = term("idle", "ln_mem_gb");
  const double full_sockets = term("full", "ln_sockets"), full_memory = term("full", "ln_mem_gb");
  double idle = 0.0, full = 0.0, machines = 0.0;
  bool line = false;
  for (const auto& row : table_rows(known_server_table_csv)) {
    if (row.size() != 7 || row[0] != key) continue;
    const double n = parse_double(row[5]).value_or(0.0);
    const double ln_sockets = std::log(parse_double(row[1]).value_or(1.0));
    const double ln_memory = std::log(parse_double(row[2]).value_or(1.0));
    idle += n * (std::log(parse_double(row[3]).value_or(1.0)) - idle_sockets * ln_sockets - idle_memory * ln_memory);
    full += n * (std::log(parse_double(row[4]).value_or(1.0)) - full_sockets * ln_sockets - full_memory * ln_memory);
    machines += n;
    line = row[6].find("line") != std::string::npos;
  }
  if (machines <= 0.0) return std::nullopt;
  const double at_sockets = std::log(sockets), at_memory = std::log(memory_GiB);
  return Logs{idle / machines + idle_sockets * at_sockets + idle_memory * at_memory,
              full / machines + full_sockets * at_sockets + full_memory * at_memory, "T1", line ? "T1-line" : "T1",
              fmt::format("{:.0f} measured server{} with this CPU", machines, machines == 1.0 ? "" : "s")};
}

Logs by_regression(const Machine& m, double sockets, std::optional<double> tdp_W) {
  const bool amd = m.cpu_vendor == "AuthenticAMD", vendor_known = amd || m.cpu_vendor == "GenuineIntel";
  const double cores = std::max(m.physical_cores > 0 ? m.physical_cores : m.logical_cpus, 1);
  const std::string uarch = "uarch:" + m.micro_architecture;
  Logs ln;
  if (vendor_known && tdp_W) {
    const bool known = coefficient("T2b", "idle", uarch).has_value();
    ln.tier = known ? "T2b" : "T2c";
    ln.basis = known ? "vendor, micro-architecture, TDP and cores" : "vendor, TDP and cores";
  } else {
    ln.tier = vendor_known ? "T3a" : "T3b";
    ln.basis = vendor_known ? "vendor and cores" : "the number of cores";
  }
  ln.interval = ln.tier;
  const auto sum = [&](const char* part) {
    const auto term = [&](const std::string& name) { return coefficient(ln.tier, part, name).value_or(0.0); };
    double value = term("const") + term("ln_total_cores") * std::log(cores) + term(uarch);
    if (tdp_W) value += term("ln_sockets_x_tdp_w") * std::log(sockets * *tdp_W);
    if (amd) value += term("is_amd");
    return value;
  };
  ln.idle = sum("idle");
  ln.full = sum("full");
  return ln;
}

}  // namespace

std::array<double, 11> curve_of(const std::string& tier, const std::string& micro_architecture) {
  const std::string own = "shape:" + micro_architecture;
  const std::string part = coefficient(tier, own, "s0") ? own : "shape";
  std::array<double, 11> s{};
  for (std::size_t i = 0; i < s.size(); ++i)
    s[i] = coefficient(tier, part, "s" + std::to_string(10 * i)).value_or(static_cast<double>(i) / 10.0);
  return s;
}

double server_curve(double u) {
  static const auto curve = curve_of("T2c", "");
  return at_load(curve, u);
}

double ServerModel::u_ln(double u) const {
  const double total = watts(u), idle = idle_W / total * spread.u_idle;
  const double dynamic = dynamic_W(u) / total * at_load(spread.u_dynamic, u);
  const double rho = at_load(spread.correlation, u);
  return std::sqrt(std::max(idle * idle + dynamic * dynamic + 2.0 * rho * idle * dynamic, 0.0));
}

ServerModel server_model(const Machine& m, const EstimateOptions& known) {
  const double sockets = std::max(m.sockets, 1);
  const std::optional<Logs> measured = known_cpu(m, sockets);
  Logs ln = measured ? *measured : by_regression(m, sockets, known.tdp_W ? known.tdp_W : tdp_of(m.cpu_name));
  ServerModel model;
  model.tier = ln.tier;
  model.basis = ln.basis;
  model.curve = curve_of(ln.tier == "T1" ? "T2b" : ln.tier, m.micro_architecture);
  model.spread = spread_of(ln.interval, known.idle_W.has_value());
  if (known.idle_W) {
    ln.full += model.spread.full_on_idle * (std::log(*known.idle_W) - ln.idle);
    ln.idle = std::log(*known.idle_W);
    model.basis += " and the idle power given";
  }
  model.idle_W = std::exp(ln.idle);
  model.full_W = std::exp(std::max(ln.full, ln.idle + std::log(least_ratio)));
  return model;
}

ThreadPower thread_power(const Machine& m) {
  const auto rows = table_rows(thread_table_csv);
  const auto find = [&](const std::string& key) -> std::optional<ThreadPower> {
    for (const auto& r : rows)
      if (r.size() == 8 && r[0] == key)
        return ThreadPower{r[1], parse_double(r[2]).value_or(0.0), parse_double(r[3]).value_or(0.0),
                           parse_double(r[4]).value_or(0.0), parse_double(r[5]).value_or(0.0)};
    return std::nullopt;
  };
  if (const auto power = find(m.micro_architecture)) return *power;
  // A Sierra Forest has no second thread a core: its group's threads say nothing of it.
  if (m.micro_architecture != "sierraforest")
    if (const auto power = find(m.cpu_vendor)) return *power;
  return find("any").value_or(ThreadPower{});
}

}  // namespace haywatt::meter
