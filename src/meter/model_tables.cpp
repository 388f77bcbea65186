#include "meter/model_tables.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt_interval_table.hpp"
#include "haywatt_model_table.hpp"

namespace haywatt::meter {
namespace {

double number(const std::string& text) { return parse_double(text).value_or(0.0); }

struct Intervals {
  std::map<std::string, Spread> spreads;  ///< "T2c,0"
  double workload = 0.0;
};

const Intervals& intervals() {
  static const Intervals all = [] {
    Intervals t;
    for (const auto& row : table_rows(interval_table_csv)) {
      if (row.size() != 6) continue;
      if (row[0] == "workload") {
        t.workload = number(row[3]);
        continue;
      }
      Spread& s = t.spreads[row[0] + "," + row[1]];
      const auto load = static_cast<std::size_t>(std::lround(std::clamp(number(row[2]) / 10.0, 0.0, 10.0)));
      if (load == 0) {
        s.u_idle = number(row[3]);
        s.full_on_idle = number(row[5]);
      } else {
        s.u_dynamic[load] = number(row[3]);
        s.correlation[load] = number(row[4]);
      }
    }
    for (auto& [key, s] : t.spreads) {
      s.u_dynamic[0] = s.u_dynamic[1];
      s.correlation[0] = s.correlation[1];
    }
    return t;
  }();
  return all;
}

}  // namespace

std::vector<std::vector<std::string>> table_rows(std::string_view csv) {
  std::vector<std::vector<std::string>> rows;
  bool head = true;
  for (const std::string& line : split(csv, '\n')) {
    if (!head && !line.empty()) rows.push_back(split(line, ','));
    head = false;
  }
  return rows;
}

std::optional<double> coefficient(const std::string& tier, const std::string& part, const std::string& term) {
  static const auto table = [] {
    std::map<std::string, double> t;
    for (const auto& row : table_rows(model_table_csv))
      if (row.size() == 4) t[row[0] + "," + row[1] + "," + row[2]] = number(row[3]);
    return t;
  }();
  const auto it = table.find(tier + "," + part + "," + term);
  return it == table.end() ? std::nullopt : std::optional(it->second);
}

const Spread& spread_of(const std::string& key, bool idle_known) {
  const auto it = intervals().spreads.find(key + (idle_known ? ",1" : ",0"));
  if (it == intervals().spreads.end()) fail_system("the table of intervals has no tier " + key);
  return it->second;
}

double workload_u() { return intervals().workload; }

double at_load(const std::array<double, 11>& values, double u) {
  const double at = std::clamp(u, 0.0, 1.0) * 10.0;
  const auto i = std::min<std::size_t>(static_cast<std::size_t>(at), 9);
  return values[i] + (at - static_cast<double>(i)) * (values[i + 1] - values[i]);
}

}  // namespace haywatt::meter
