#include "haywatt/trace/exports.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt_test_paths.hpp"
#include "support/example_program.hpp"

namespace haywatt::trace {
namespace {

using nlohmann::json;

/// Golden files are what users' scripts see; HAYWATT_WRITE_GOLDEN=1 writes them anew.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/trace/" + name;
  if (std::getenv("HAYWATT_WRITE_GOLDEN") != nullptr) write_text_file(path, text);
  EXPECT_EQ(text, read_text_file(path)) << name;
}

ProgramRecord small_program() {
  test::ProgramFixture o;
  o.samples = 14;
  o.processes = 3;
  return test::make_program(o);
}

/// The cells of a CSV's line, quotes undone.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      out.back() += line[++i];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      out.emplace_back();
    else
      out.back() += line[i];
  }
  return out;
}

std::map<std::string, std::string> csv_row(const std::string& csv) {
  const auto lines = split(csv, '\n');
  EXPECT_EQ(lines.size(), 3U);  // heading, row, and nothing after the last line's end
  const auto head = cells(lines.at(0)), values = cells(lines.at(1));
  EXPECT_EQ(head.size(), values.size());
  std::map<std::string, std::string> row;
  for (std::size_t i = 0; i < std::min(head.size(), values.size()); ++i) row[head[i]] = values[i];
  return row;
}

TEST(Prmon, HasItsSectionsKeysAndUnits) {
  const json j = json::parse(to_prmon_json(test::make_program()));
  const json& max = j["Max"];
  EXPECT_EQ(max["wtime"], 6);
  EXPECT_EQ(max["utime"], 11);
  EXPECT_EQ(max["stime"], 0);
  EXPECT_EQ(max["rss"], 436'000'000 / 1024);
  EXPECT_EQ(max["pss"], 401'000'000 / 1024);
  EXPECT_EQ(max["rchar"], 123'456'789);
  EXPECT_EQ(max["nprocs"], 5);
  EXPECT_EQ(max["nthreads"], 6);
  for (const auto& [name, value] : max.items()) EXPECT_TRUE(value.is_number_unsigned()) << name;
  EXPECT_NEAR(j["Avg"]["rchar"].get<double>(), 123'456'789 / 6.5, 0.001);
  EXPECT_EQ(j["HW"]["cpu"]["CPUs"], 2);
  EXPECT_EQ(j["HW"]["cpu"]["ThreadsPerCore"], 2);
  EXPECT_EQ(j["HW"]["mem"]["MemTotal"], 8U << 20);
  EXPECT_TRUE(j["prmon"]["Version"].is_string());
}

TEST(Prmon, LeavesOutWhatIsNotKnownAndSaysSo) {
  ProgramRecord record = test::make_program();
  record.run.tree->pss_peak_B = 0;
  const json j = json::parse(to_prmon_json(record));
  EXPECT_FALSE(j["Max"].contains("pss"));
  std::set<std::string> left_out = j["haywatt"]["left_out"];
  for (const char* name : {"pss", "vmem", "swap", "read_bytes", "write_bytes", "rx_bytes", "tx_packets"})
    EXPECT_TRUE(left_out.contains(name)) << name;
  EXPECT_FALSE(left_out.contains("rss"));
}

TEST(Prmon, TextHasOneLineASecond) {
  const auto lines = split(to_prmon_text(test::make_program()), '\n');
  EXPECT_EQ(lines.front(), "Time\tnprocs\tnthreads\trchar\twchar\trss\twtime");
  ASSERT_EQ(lines.size(), 1U + 7U + 1U);  // seconds 0 to 6
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto row = split(lines[i], '\t');
    ASSERT_EQ(row.size(), 7U);
    EXPECT_EQ(row.back(), std::to_string(i - 1));
    EXPECT_EQ(row.front(), std::to_string(1'795'550'765 + i - 1));  // date -d 2026-11-24T20:06:05Z +%s
  }
}

TEST(CodeCarbon, EstimateIsTheTotalOnly) {
  const auto row = csv_row(to_codecarbon_csv(test::make_program()));
  EXPECT_EQ(row.size(), 38U);
  EXPECT_NEAR(std::stod(row.at("energy_consumed")), 40.0 / 3.6e6, 1e-15);
  EXPECT_NEAR(std::stod(row.at("emissions")), 40.0 / 3.6e6 * 0.475, 1e-15);
  EXPECT_NEAR(std::stod(row.at("emissions_rate")), 40.0 / 3.6e6 * 0.475 / 6.5, 1e-15);
  EXPECT_EQ(row.at("cpu_energy"), "");
  EXPECT_EQ(row.at("timestamp"), "2026-11-24T20:06:11");
  EXPECT_EQ(row.at("cpu_model"), "AMD EPYC, 64-Core");  // a comma inside quotes
  EXPECT_EQ(row.at("ram_total_size"), "8");
  EXPECT_EQ(row.at("country_iso_code"), "");
  EXPECT_EQ(row.at("tracking_mode"), "process");
}

TEST(CodeCarbon, MeasuredPartsAddUpAndTakeThePueAndTheCountry) {
  test::ProgramFixture o;
  o.measured = true;
  CodeCarbonOptions options;
  options.grid = metrics::country_grid("france").value();
  options.pue = metrics::given_pue(1.5);
  const auto row = csv_row(to_codecarbon_csv(test::make_program(o), options));
  EXPECT_NEAR(std::stod(row.at("cpu_energy")), 1.5 * 40.0 / 3.6e6, 1e-15);
  EXPECT_NEAR(std::stod(row.at("ram_energy")), 1.5 * 5.0 / 3.6e6, 1e-15);
  EXPECT_NEAR(std::stod(row.at("energy_consumed")), 1.5 * 45.0 / 3.6e6, 1e-15);
  EXPECT_NEAR(std::stod(row.at("cpu_power")), 1.5 * 40.0 / 6.5, 1e-12);
  EXPECT_EQ(row.at("gpu_energy"), "");
  EXPECT_EQ(row.at("country_iso_code"), "FRA");
  EXPECT_EQ(row.at("country_name"), "France");
  EXPECT_EQ(row.at("pue"), "1.5");
}

TEST(CodeCarbon, UnknownEnergyIsAnEmptyCell) {
  test::ProgramFixture o;
  o.energy = false;
  const auto row = csv_row(to_codecarbon_csv(test::make_program(o)));
  for (const char* name : {"energy_consumed", "emissions", "emissions_rate", "cpu_energy", "cpu_power"})
    EXPECT_EQ(row.at(name), "") << name;
  EXPECT_EQ(row.at("duration"), "6.5");
}

/// What viewers need of every event; returns the events.
json checked_trace(const std::string& text) {
  const json j = json::parse(text);
  EXPECT_TRUE(j["traceEvents"].is_array());
  double last = 0.0;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<double>> open;  // ends of slices, by track
  for (const json& e : j["traceEvents"]) {
    const auto ph = e.at("ph").get<std::string>();
    EXPECT_TRUE(e.at("pid").is_number_integer());
    EXPECT_TRUE(e.at("tid").is_number_integer());
    EXPECT_TRUE(e.at("name").is_string());
    const double ts = e.at("ts").get<double>();
    EXPECT_GE(ts, 0.0);
    if (ph == "M") continue;
    EXPECT_GE(ts, last);
    last = ts;
    if (ph == "X") {
      EXPECT_GE(e.at("dur").get<double>(), 0.0);
      auto& ends = open[{e["pid"].get<std::int64_t>(), e["tid"].get<std::int64_t>()}];
      const double end = ts + e["dur"].get<double>();
      while (!ends.empty() && ends.back() <= ts + 1e-6) ends.pop_back();
      if (!ends.empty()) {
        EXPECT_LE(end, ends.back() + 1e-3) << e;
      }
      ends.push_back(end);
    } else {
      EXPECT_EQ(ph, "C");
      for (const auto& [unit, value] : e.at("args").items()) EXPECT_TRUE(value.is_number()) << unit;
    }
  }
  return j["traceEvents"];
}

TEST(ChromeTrace, HasPhasesProcessesAndPower) {
  const json events = checked_trace(to_chrome_trace(small_program()));
  std::map<std::string, int> kinds;
  std::set<std::string> slices, counters, processes;
  for (const json& e : events) {
    ++kinds[e["ph"]];
    if (e["ph"] == "X") slices.insert(e["name"]);
    if (e["ph"] == "C") counters.insert(e["name"]);
    if (e["ph"] == "M" && e["name"] == "process_name") processes.insert(e["args"]["name"]);
  }
  EXPECT_TRUE(slices.contains("train"));
  EXPECT_TRUE(slices.contains("worker"));
  EXPECT_TRUE(counters.contains("power: estimate VM, wall, process-tree, attributed"));
  EXPECT_TRUE(counters.contains("CPUs in use"));
  EXPECT_TRUE(counters.contains("resident memory"));
  EXPECT_TRUE(counters.contains("read calls"));
  EXPECT_TRUE(processes.contains("python"));
  const auto train = std::find_if(events.begin(), events.end(), [](const json& e) { return e["name"] == "train"; });
  EXPECT_DOUBLE_EQ((*train)["ts"].get<double>(), 650'000.0);
  EXPECT_DOUBLE_EQ((*train)["dur"].get<double>(), 5'200'000.0);
}

TEST(ChromeTrace, OverlappingSpansOfOneThreadGetLanes) {
  ProgramRecord record = test::make_program();
  record.run.spans = {{"a", 3, 0.0, 2.0}, {"b", 3, 1.0, 3.0}, {"c", 3, 1.0, 1.5}, {"d", 4, 0.5, 2.5}};
  const json events = checked_trace(to_chrome_trace(record));
  std::map<std::string, std::int64_t> track;
  for (const json& e : events)
    if (e["ph"] == "X") track[e["name"]] = e["tid"];
  EXPECT_NE(track["a"], track["b"]);
  EXPECT_NE(track["a"], track["d"]);
}

TEST(ChromeTrace, BearsNumbersThatNoRunHas) {
  ProgramRecord record = small_program();
  const double nan = std::nan(""), inf = HUGE_VAL;
  record.run.wall_s = nan;
  record.run.spans.push_back({"x", 1, nan, 1.0});
  record.run.spans.push_back({"y", 1, 5.0, 2.0});
  record.run.spans.push_back({"z", 1, 1e300, inf});
  record.run.samples.push_back({nan, 1, nan, 0, 0, 0, 0});
  record.run.samples.push_back({-3.0, 1, inf, 0, 0, 0, 0});
  record.run.power.push_back({"s", "wall", "", "machine", "", {0.0, nan}, {inf}});
  record.run.tree->processes.push_back({-5, 0, "\xff</script>", 2.0, 1.0, nan, 0});
  checked_trace(to_chrome_trace(record));
  EXPECT_TRUE(json::accept(to_prmon_json(record)));
  EXPECT_NO_THROW((void)to_prmon_text(record));
  EXPECT_EQ(csv_row(to_codecarbon_csv(record)).at("duration"), "");
}

TEST(Exports, BearAnEmptyRecord) {
  const ProgramRecord record;
  checked_trace(to_chrome_trace(record));
  EXPECT_EQ(json::parse(to_prmon_json(record))["Max"].contains("rss"), false);
  EXPECT_EQ(split(to_prmon_text(record), '\n').size(), 2U);
  EXPECT_EQ(csv_row(to_codecarbon_csv(record)).at("timestamp"), "");
}

TEST(Exports, Golden) {
  const ProgramRecord record = small_program();
  expect_golden("program.json", json(record).dump(1) + "\n");  // what exports_test.py gives to haywatt report
  expect_golden("program-trace.json", to_chrome_trace(record));
  expect_golden("program-prmon.json", to_prmon_json(record));
  expect_golden("program-prmon.txt", to_prmon_text(record));
  CodeCarbonOptions options;
  options.grid = metrics::country_grid("CHE").value();
  expect_golden("program-emissions.csv", to_codecarbon_csv(record, options));
}

}  // namespace
}  // namespace haywatt::trace
