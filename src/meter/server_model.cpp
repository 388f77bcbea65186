#include "meter/server_model.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>

#include "haywatt/base/text.hpp"
#include "haywatt_model_table.hpp"
#include "haywatt_tdp_table.hpp"

namespace haywatt::meter {
namespace {

/// "T2c,idle,const" -> 0.7327
const std::map<std::string, double, std::less<>>& coefficients() {
  static const auto table = [] {
    std::map<std::string, double, std::less<>> t;
    for (const std::string& line : split(model_table_csv, '\n'))
      if (const auto comma = line.rfind(','); comma != std::string::npos)
        if (const auto value = parse_double(std::string_view(line).substr(comma + 1)))
          t[line.substr(0, comma)] = *value;
    return t;
  }();
  return table;
}

double coefficient(const std::string& key) {
  const auto it = coefficients().find(key);
  return it == coefficients().end() ? 0.0 : it->second;
}

void erase_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
}

/// "11th", "64-core": words that stand beside a model's name.
bool is_count(const std::string& word) {
  const auto digits = word.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string::npos &&
         (word.compare(digits, std::string::npos, "th") == 0 || word.compare(digits, std::string::npos, "-core") == 0);
}

/// "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz" -> "intel xeon gold 6248", as vendors write it.
std::string normal_name(std::string_view cpu_name) {
  constexpr std::size_t longest = 200;  // the kernel's field has 48 (CPUID 0x80000002 to 4)
  std::string lower(cpu_name.substr(0, longest));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  erase_all(lower, "(r)");
  erase_all(lower, "(tm)");
  std::string out;
  for (const std::string& word : split(lower, ' ')) {
    if (word == "@" || word == "with" || word == "w/") break;  // a frequency, a graphics part
    if (word.empty() || word == "cpu" || word == "processor" || word == "gen" || is_count(word)) continue;
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

struct Quantiles {
  double low, median, high;
  [[nodiscard]] double u() const { return std::log(high / low) / (2.0 * 1.96); }
};

/// Per hardware thread, servers of 2015-2022 (docs/energy.md).
struct Group {
  const char* name;
  Quantiles idle, busy;
};
constexpr Group all_servers{"all servers", {0.37, 0.77, 2.73}, {1.20, 3.28, 5.87}};
constexpr Group epyc{"AMD EPYC", {0.30, 0.61, 1.61}, {1.07, 1.46, 2.73}};
constexpr Group epyc_zen23{"EPYC Zen 2/3", {0.28, 0.43, 0.75}, {1.02, 1.35, 1.75}};
constexpr Group intel{"Intel", {0.42, 0.93, 2.73}, {2.40, 3.48, 6.09}};

ThreadPower power_of(const Group& g) { return {g.name, g.idle.median, g.idle.u(), g.busy.median, g.busy.u()}; }

/// Of newer servers only the range of idle + busy at full load is known; it is divided as in the older group, and both
/// parts are held to be as uncertain as the group and the range together.
ThreadPower newer(const char* name, const Group& older, double total_low, double total_high) {
  ThreadPower p = power_of(older);
  const double scale = std::sqrt(total_low * total_high) / (p.idle_W + p.busy_W);
  const double u_total = Quantiles{total_low, 0.0, total_high}.u();
  return {name, p.idle_W * scale, std::hypot(p.u_idle, u_total), p.busy_W * scale, std::hypot(p.u_busy, u_total)};
}

}  // namespace

double server_curve(double u) {
  static const auto curve = [] {
    std::array<double, 11> s{};
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = coefficient("T2c,shape,s" + std::to_string(i * 10));
    return s;
  }();
  const double at = std::clamp(u, 0.0, 1.0) * 10.0;
  const auto i = std::min<std::size_t>(static_cast<std::size_t>(at), 9);
  return curve[i] + (at - static_cast<double>(i)) * (curve[i + 1] - curve[i]);
}

ServerModel server_model(const Machine& m, std::optional<double> tdp_W) {
  const bool amd = m.cpu_vendor == "AuthenticAMD", vendor_known = amd || m.cpu_vendor == "GenuineIntel";
  const double cores = std::max(m.physical_cores > 0 ? m.physical_cores : m.logical_cpus, 1);
  const double sockets = std::max(m.sockets, 1);
  ServerModel model;
  // F: the worst of the tests on machines of 2015-2022 and forward in time (docs/energy.md).
  if (vendor_known && tdp_W) {
    model.tier = "T2c";
    model.factor = 2.3;
  } else if (vendor_known) {
    model.tier = "T3a";
    model.factor = 2.3;
  } else {
    model.tier = "T3b";
    model.factor = 2.4;
  }
  const auto watts = [&](const char* part) {
    const std::string key = model.tier + "," + part + ",";
    double ln = coefficient(key + "const") + coefficient(key + "ln_total_cores") * std::log(cores);
    if (model.tier == "T2c") ln += coefficient(key + "ln_sockets_x_tdp_w") * std::log(sockets * *tdp_W);
    if (amd) ln += coefficient(key + "is_amd");
    return std::exp(ln);
  };
  model.idle_W = watts("idle");
  model.full_W = std::max(watts("full"), model.idle_W);
  return model;
}

std::optional<double> tdp_of(std::string_view cpu_name) {
  const std::string wanted = normal_name(cpu_name);
  if (wanted.empty()) return std::nullopt;
  std::string_view rest = tdp_table_csv;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto name = line.substr(0, line.find(','));
    if (!std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; }))
      continue;
    const auto fields = split(line, ',');
    if (fields.size() == 4) return parse_double(fields[2]);
  }
  return std::nullopt;
}

ThreadPower thread_power(const Machine& m) {
  const std::string& a = m.micro_architecture;
  if (a == "zen2" || a == "zen3") return power_of(epyc_zen23);
  if (a == "zen4" || a == "zen5") return newer("EPYC 9004/9005", epyc_zen23, 1.0, 2.2);
  if (a == "sapphirerapids" || a == "emeraldrapids") return newer("Xeon 84xx/85xx", intel, 3.1, 4.8);
  if (m.cpu_vendor == "AuthenticAMD") return power_of(epyc);
  if (m.cpu_vendor == "GenuineIntel" && a != "sierraforest") return power_of(intel);
  return power_of(all_servers);
}

}  // namespace haywatt::meter
