#include "haywatt/meter/calibration.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "meter/calibrated_power.hpp"
#include "meter/energy_source.hpp"
#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t second = 1'000'000'000;

class Folder {
 public:
  Folder() : path_(fs::path(::testing::TempDir()) / ("calibration-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name, const std::string& text = {}) const {
    const std::string path = (path_ / name).string();
    if (!text.empty()) write_text_file(path, text);
    return path;
  }

 private:
  fs::path path_;
};

Calibration of(std::vector<CalibrationPoint> points) { return {"m", "cpu", "2024-05-01T12:00:00Z", "typed", points}; }

template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::BadInput) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.what();
  }
  return {};
}

/// A machine whose curve is a real micro-architecture's with its own bend, read with a meter of its own gain by someone
/// whose readings scatter: nothing of it is told to the estimator.
struct SimulatedMachine {
  explicit SimulatedMachine(std::mt19937_64& random) {
    constexpr std::array<const char*, 12> uarchs = {"haswell",     "broadwell",  "skylake-x", "skylake-client",
                                                    "cascadelake", "coffeelake", "icelake-x", "rocketlake",
                                                    "cooperlake",  "zen1",       "zen2",      "zen3"};
    const auto a = curve_of("T2b", uarchs[random() % uarchs.size()]),
               b = curve_of("T2b", uarchs[random() % uarchs.size()]);
    std::uniform_real_distribution<double> unit(0.0, 1.0);
    const double mix = 0.3 * unit(random);
    for (std::size_t i = 0; i < curve.size(); ++i) curve[i] = (1.0 - mix) * a[i] + mix * b[i];
    idle_W = 15.0 * std::exp(3.0 * unit(random));
    full_W = idle_W * (1.5 + 5.0 * unit(random));
    scatter = 0.003 + 0.022 * unit(random);
  }
  [[nodiscard]] double watts(double u) const { return idle_W + (full_W - idle_W) * at_load(curve, u); }
  [[nodiscard]] double reading(double u, std::mt19937_64& random) const {
    return watts(u) * std::exp(scatter * std::normal_distribution<double>()(random));
  }
  std::array<double, 11> curve{};
  double idle_W, full_W, scatter;
};

TEST(Calibration, IntervalsHoldAsOftenAsTheySay) {
  std::mt19937_64 random(20240501);
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  for (const std::vector<double>& loads :
       {std::vector<double>{0.0, 1.0}, {0.0, 0.5, 1.0}, {0.0, 0.25, 0.5, 0.75, 1.0, 0.0}}) {
    int inside = 0, at_readings = 0;
    double width = 0.0;
    constexpr int machines = 1500;
    for (int i = 0; i < machines; ++i) {
      const SimulatedMachine machine(random);
      Calibration c = of({});
      for (const double u : loads) c.points.push_back({u, machine.reading(u, random)});
      const double u = unit(random), there = loads[random() % loads.size()];
      const CalibratedLoad at = calibrated_at(c, Machine{}, u), known = calibrated_at(c, Machine{}, there);
      inside += at.low <= machine.watts(u) && machine.watts(u) <= at.high ? 1 : 0;
      at_readings += known.low <= machine.watts(there) && machine.watts(there) <= known.high ? 1 : 0;
      width += std::log(at.high / at.low);
    }
    EXPECT_GE(inside, 0.93 * machines) << loads.size() << " readings";
    EXPECT_GE(at_readings, 0.93 * machines) << loads.size() << " readings";
    RecordProperty("width with " + std::to_string(loads.size()), std::to_string(std::exp(width / machines)));
    // Worth the trouble: far narrower than any tier of the estimate (2.3 and more).
    EXPECT_LT(std::exp(width / machines), loads.size() == 2 ? 1.9 : loads.size() == 3 ? 1.5 : 1.25);
  }
}

TEST(Calibration, PassesThroughWhatWasRead) {
  const Calibration c = of({{0.0, 41.0}, {0.25, 70.0}, {0.5, 92.0}, {1.0, 128.0}});
  for (const CalibrationPoint& p : c.points)
    EXPECT_NEAR(calibrated_at(c, Machine{}, p.load).watts, p.watts, 0.02 * p.watts) << p.load;
  const auto idle = calibrated_at(c, Machine{}, 0.0), between = calibrated_at(c, Machine{}, 0.75);
  EXPECT_LT(idle.high / idle.low, between.high / between.low);
}

TEST(Calibration, EstimateUsesItAndCancelsItInRatios) {
  const Folder folder;
  const std::string path = folder.file("c.json");
  Machine m;
  m.id = "m";
  m.logical_cpus = m.physical_cores = 4;
  m.cpu_quota = 4;
  save_calibration(path, of({{0.0, 40.0}, {0.5, 80.0}, {1.0, 120.0}}));
  ::setenv("HAYWATT_CALIBRATION", path.c_str(), 1);
  const Timeline t{{{0, 0, 0.0, true}, {10 * second, 8 * second, 20.0, true}}, {{{other_phase, 10e9, 8e9}}}};
  RunRecord a, b;
  add_figures(estimate_source(t, m, {}, {"m", "r1", "zstd"}), {}, a);
  add_figures(estimate_source(t, m, {}, {"m", "r2", "lz4"}), {}, b);
  m.id = "other";
  RunRecord elsewhere;
  add_figures(estimate_source(t, m, {}, {"other", "r3", "zstd"}), {}, elsewhere);
  ::unsetenv("HAYWATT_CALIBRATION");
  const auto find = [](const RunRecord& run, const std::string& share, const std::string& rule) {
    return *std::find_if(run.energy.begin(), run.energy.end(),
                         [&](const EnergyFigure& e) { return e.share == share && e.rule == rule; });
  };
  const EnergyFigure machine = find(a, "machine", "");
  EXPECT_EQ(machine.tier, "calibrated");
  EXPECT_EQ(machine.boundary, "wall");
  EXPECT_NEAR(machine.joules.value, 800.0, 25.0);  // half load for 10 s
  EXPECT_NEAR(find(a, "process-tree", "marginal").joules.value, 0.4 * (machine.joules.value - 400.0), 10.0);
  EXPECT_EQ(find(elsewhere, "machine", "").tier, "T3b");
  // The curve and the meter's gain are the same in both; scatter and each method's workload are not.
  const Figure r = ratio(find(a, "process-tree", "marginal").joules, find(b, "process-tree", "marginal").joules);
  EXPECT_LT(std::log(r.high), std::sqrt(2.0) * std::log(1.3) * 1.05);
  EXPECT_GT(std::log(r.high), std::sqrt(2.0) * std::log(1.3));
}

TEST(Calibration, FileComesBack) {
  const Folder folder;
  const std::string path = folder.file("deep/er/c.json");
  Machine m;
  m.id = "m";
  EXPECT_FALSE(load_calibration(path, m).has_value());
  save_calibration(path, of({{0.0, 40.0}, {1.0, 120.0}}));
  const auto back = load_calibration(path, m);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->points.size(), 2U);
  EXPECT_EQ(back->points[1].watts, 120.0);
  EXPECT_EQ(back->source, "typed");
  m.id = "another machine";
  EXPECT_FALSE(load_calibration(path, m).has_value());
}

TEST(Calibration, DamagedFilesAreRefusedInOneLine) {
  const Folder folder;
  Machine m;
  m.id = "m";
  const std::string head = R"({"schema":"haywatt-calibration/1","machine":"m","points":)";
  for (const std::string& text :
       {std::string("["), std::string("{}"), std::string("\0\1", 2), head + "3}", head + "[]}", head + "[1,2]}",
        head + R"([{"load":0,"watts":40},{"load":1}]})", head + R"([{"load":0,"watts":40},{"load":2,"watts":80}]})",
        head + R"([{"load":0,"watts":40},{"load":1,"watts":30}]})",
        head + R"([{"load":0,"watts":-40},{"load":1,"watts":30}]})",
        head + R"([{"load":0.5,"watts":40},{"load":0.6,"watts":60}]})"})
    EXPECT_NE(refusal([&] { (void)load_calibration(folder.file("bad.json", text), m); }), "") << text;
}

TEST(Calibration, ReadingsThatCannotBeAreRefused) {
  EXPECT_NE(refusal([] { check_calibration(of({{0.0, 40.0}})); }), "");
  EXPECT_NE(refusal([] { check_calibration(of({{0.0, 40.0}, {1.0, NAN}})); }), "");
  EXPECT_NE(refusal([] {
              check_calibration(of({{0.0, 40.0}, {1.0, 40.0}}));
            }).find("another machine"),
            std::string::npos);
  EXPECT_NE(refusal([] { check_calibration(of({{0.4, 40.0}, {0.5, 60.0}})); }), "");
  EXPECT_EQ(refusal([] { check_calibration(of({{0.0, 40.0}, {1.0, 60.0}})); }), "");
}

TEST(PlugCsv, ExportsOfManyKinds) {
  const Folder folder;
  const auto first = [&](const std::string& text, const PowerColumns& columns = {}) {
    const auto r = read_power_csv(folder.file("p.csv", text), columns);
    EXPECT_EQ(r.size(), 2U) << text;
    return r.front();
  };
  const auto check = [&](const std::string& text, const PowerColumns& columns = {}) {
    const PowerReading r = first(text, columns);
    EXPECT_NEAR(r.unix_s, 1714564800.0, 0.01) << text;  // 2024-05-01T12:00:00Z
    EXPECT_NEAR(r.watts, 41.5, 1e-9) << text;
  };
  check("timestamp,power\n1714564800,41.5\n1714564801,42\n");
  check("\xEF\xBB\xBFtime;power (W)\r\n1714564800000;41,5\r\n1714564801000;42\r\n");
  check(
      "Time,ENERGY_Total,ENERGY_Power,ENERGY_ApparentPower\n2024-05-01T12:00:00Z,3,41.5,60\n2024-05-01T12:00:01Z,3,42,"
      "61\n");
  check(
      "entity_id,state,last_changed\nsensor.a,41.5,2024-05-01T12:00:00.000Z\nsensor.a,unavailable,2024-05-01T12:00:"
      "01Z\n"
      "sensor.a,42,2024-05-01T12:00:02Z\n");
  check("ts\tapower\tvoltage\n1714564800\t41.5\t230\n\n1714564801\t42\t230\n");
  check("2024-05-01T14:00:00+02:00,41.5\n2024-05-01T14:00:01+0200,42\n");
  check("a,b,c\n1,1714564800,41.5\n2,1714564801,42\n", {"b", "3"});
  check("\"Date\",\"Time\",\"Power\"\n2024-05-01,12:00:00 UTC,\"41,5\"\n2024-05-01,12:00:01 UTC,\"42\"\n");
  check("timestamp,power\n1714564801,42\n1714564800,41.5 W\n");  // not in order
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  check("Datum;Leistung\n01.05.2024 12:00:00;41,5\n01.05.2024 12:00:01;42,0\n");
  ::unsetenv("TZ");
  ::tzset();
}

TEST(PlugCsv, MistakesAreNamedWithTheirLine) {
  const Folder folder;
  const auto message = [&](const std::string& text, const PowerColumns& columns = {}) {
    return refusal([&] { (void)read_power_csv(folder.file("p.csv", text), columns); });
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has(message("timestamp,power\n1714564800,41.5\nyesterday,42\n"), "line 3"));
  EXPECT_TRUE(has(message("timestamp,power\n1714564800,much\n"), "no power in watts"));
  EXPECT_TRUE(has(message("timestamp,power\n1714564800\n"), "too few columns"));
  EXPECT_TRUE(has(message("timestamp,power\n1714564800,-3\n"), "-3 W"));
  EXPECT_TRUE(has(message("timestamp,power\n12,3\n"), "no time"));
  EXPECT_TRUE(has(message("timestamp,energy_kwh\n1714564800,3\n"), "--watts-column"));
  EXPECT_TRUE(has(message("volts,power\n1714564800,3\n"), "--time-column"));
  EXPECT_TRUE(has(message("timestamp,power\n1714564800,3\n", {"zeit", ""}), "no column 'zeit'"));
  EXPECT_TRUE(has(message("timestamp,power\n1714564800,3\n", {"1", "9"}), "no column '9'"));
  EXPECT_TRUE(has(message("timestamp,power\n"), "no readings"));
  EXPECT_TRUE(has(message(std::string("a\0b", 3)), "not text"));
  EXPECT_NE(message("\n\n"), "");
  EXPECT_NE(message("timestamp,power\n2024-99-99T12:00:00Z,3\n"), "");
  EXPECT_NE(message("timestamp,power\n2024-05-01T12:00:00+99:00,3\n"), "");
}

/// Bytes that were flipped, cut and doubled: an error or readings, never anything else.
TEST(PlugCsv, HostileBytes) {
  const Folder folder;
  std::mt19937_64 random(7);
  const std::string good = "Time;Power;x\n2024-05-01T12:00:00Z;41,5;1\n1714564801;42.5;\"a;b\"\n";
  for (int i = 0; i < 2000; ++i) {
    std::string text = good;
    for (int k = 0; k < 3; ++k) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 4 == 0) text.resize(random() % text.size() + 1);
    try {
      const std::string path = folder.file("h.csv");
      std::ofstream(path) << text;
      for (const PowerReading& r : read_power_csv(path, {})) {
        EXPECT_TRUE(std::isfinite(r.watts) && r.watts >= 0.0);
        EXPECT_TRUE(std::isfinite(r.unix_s));
      }
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::BadInput);
    }
  }
}

TEST(LoadSteps, MatchedByTimeWithoutTheirBeginning) {
  const Folder folder;
  const std::string path = folder.file("log.csv");
  write_load_log(
      path,
      {{1714564800.0, 1714564860.0, 0.01}, {1714564860.0, 1714564920.0, 0.99}, {1714565000.0, 1714565060.0, 0.5}});
  std::vector<PowerReading> readings;
  for (int t = 0; t < 120; ++t) {  // the plug lags by eight seconds, and has a gap
    if (t < 30 || t > 40) readings.push_back({1714564800.0 + t, t < 68 ? 40.0 : 120.0});
  }
  const auto points = match_power(read_load_log(path), readings, 10.0);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].watts, 40.0);
  EXPECT_EQ(points[1].watts, 120.0);
  EXPECT_NEAR(points[1].load, 0.99, 1e-9);
  for (PowerReading& r : readings) r.unix_s += 7200.0;
  EXPECT_NE(refusal([&] { (void)match_power(read_load_log(path), readings, 10.0); }).find("time zone"),
            std::string::npos);
  for (const char* bad : {"head\n1,2\n", "head\n2,1,0.5\n", "head\nx,y,z\n", "head\n1,2,7\n", "head\n"})
    EXPECT_NE(refusal([&] { (void)read_load_log(folder.file("bad.csv", bad)); }), "") << bad;
}

TEST(LoadSteps, HoldsAndMeasuresALoad) {
  const LoadStep step = hold_load(1.0, 0.3);
  EXPECT_GE(step.end_unix_s - step.start_unix_s, 0.29);
  EXPECT_GT(step.load, 0.2);
  EXPECT_LE(step.load, 1.0);
}

}  // namespace
}  // namespace haywatt::meter
