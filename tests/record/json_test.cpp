#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/record/record.hpp"
#include "record/example_records.hpp"

namespace haywatt {
namespace {

using nlohmann::json;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

ErrorKind kind_of(const std::string& text) {
  try {
    (void)json::parse(text).get<RunRecord>();
  } catch (const Error& e) {
    return e.kind();
  }
  ADD_FAILURE() << "accepted: " << text;
  return ErrorKind::CheckFailed;
}

TEST(Json, WholeStudyComesBack) {
  const StudyRecord study = test::example_study();
  const json once = study;
  const auto back = json::parse(once.dump()).get<StudyRecord>();
  EXPECT_EQ(json(back), once);
  ASSERT_EQ(back.runs.size(), 2U);
  EXPECT_EQ(back.runs[0].spans.at(1).phase, "encode");
  EXPECT_EQ(back.runs[0].samples.at(0).rss_B, 1000U);
  EXPECT_EQ(back.runs[0].rss_peak_B, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(back.machine.libraries.at("zstd"), "1.5.4");
  EXPECT_EQ(back.runs[0].energy.at(0).joules.components.at(0).correlation.kind, CorrelationKind::Model);
}

TEST(Json, MeteredProgramComesBack) {
  ProgramRecord program{test::example_run("a"), test::example_study().machine, "0.2.0"};
  const json once = program;
  const auto back = json::parse(once.dump()).get<ProgramRecord>();
  EXPECT_EQ(json(back), once);
  ASSERT_TRUE(back.run.tree);
  EXPECT_EQ(back.run.tree->processes.at(0).name, "sh");
  EXPECT_EQ(back.run.power.at(0).watts.at(1), 3.5);
  EXPECT_EQ(back.machine.id, "abc");
  EXPECT_EQ(once.get<RunRecord>().label, program.run.label) << "whatever reads a run reads it";
}

TEST(Json, MembersOfFigures) {
  const json figure = Figure::exact(3.0, "s");
  for (const char* name : {"value", "unit", "low", "high", "level", "components", "interval"})
    EXPECT_TRUE(figure.contains(name)) << name;
  const json energy = test::example_study().runs[0].energy[0];
  for (const char* name :
       {"value_J", "low_J", "high_J", "level", "sensor", "boundary", "share", "rule", "tier", "components"})
    EXPECT_TRUE(energy.contains(name)) << name;
  EXPECT_FALSE(energy.contains("value"));
}

TEST(Json, UnknownEnergyIsNullNeverZero) {
  EnergyFigure e;
  e.sensor = "rapl-powercap";
  e.boundary = "package";
  e.known = false;
  e.note = "did not move";
  const json j = e;
  EXPECT_TRUE(j["value_J"].is_null());
  EXPECT_TRUE(j["low_J"].is_null());
  EXPECT_TRUE(j["high_J"].is_null());
  const auto back = j.get<EnergyFigure>();
  EXPECT_FALSE(back.known);
  EXPECT_TRUE(std::isnan(back.joules.value));
  EXPECT_EQ(back.note, "did not move");
  // A writer that forgot "known" still does not turn null into a number.
  EXPECT_FALSE(json::parse(R"({"value_J": null})").get<EnergyFigure>().known);
  EXPECT_TRUE(json::parse(R"({"value_J": 2.5})").get<EnergyFigure>().known);
}

TEST(Json, NotFiniteBecomesNull) {
  RunRecord r;
  r.wall_s = nan;
  r.counts["MACs"] = inf;
  r.fidelity.emplace_back().max_rel_error = inf;
  r.fidelity[0].error.counts = {1.0, nan};
  const std::string text = json(r).dump();
  const auto back = json::parse(text).get<RunRecord>();
  EXPECT_TRUE(std::isnan(back.wall_s));
  EXPECT_TRUE(std::isnan(back.counts.at("MACs")));
  EXPECT_TRUE(std::isnan(back.fidelity[0].max_rel_error));
  EXPECT_TRUE(std::isnan(back.fidelity[0].error.counts.at(1)));
}

TEST(Json, ForeignBytesInTextSurviveDumping) {
  RunRecord r;
  r.data = "caf\xE9.npz \xC0\x80 \xED\xA0\x80 \xF5 ok \xE2\x82\xAC";
  const std::string text = json(r).dump();  // throws on malformed UTF-8
  const std::string back = json::parse(text).get<RunRecord>().data;
  EXPECT_TRUE(back.starts_with("caf\xEF\xBF\xBD.npz"));
  EXPECT_TRUE(back.ends_with("ok \xE2\x82\xAC"));
}

TEST(Json, MissingMembersKeepDefaults) {
  const auto r = json::parse("{}").get<RunRecord>();
  EXPECT_EQ(r.status, "ok");
  EXPECT_EQ(r.threads, 1);
  EXPECT_TRUE(json::parse("{}").get<StudyRecord>().runs.empty());
  EXPECT_EQ(json::parse(R"({"value": 2})").get<Figure>().high, 2.0);
}

TEST(Json, WrongTypesAreBadInput) {
  for (const char* text :
       {"[]",
        "3",
        R"({"wall_s": "1"})",
        R"({"id": 5})",
        R"({"rows": -1})",
        R"({"rows": 1.5})",
        R"({"threads": 1e30})",
        R"({"threads": 18446744073709551615})",
        R"({"energy": {}})",
        R"({"energy": [3]})",
        R"({"phases": [[]]})",
        R"({"spans": [1]})",
        R"({"spans": {"phase": ["a"], "thread": [1], "start_s": [], "end_s": [0]}})",
        R"({"samples": {"t_s": [0], "rss_B": ["x"], "cpu_s": [0], "read_B": [0], "written_B": [0]}})",
        R"({"counts": {"a": true}})",
        R"({"tree": 1})",
        R"({"tree": {"processes": [1]}})",
        R"({"power": [{"t_s": [0, 1], "W": [1, 2]}]})",
        R"({"samples": {"t_s": [0], "rss_B": [0], "cpu_s": [0], "read_B": [0], "written_B": [0], "threads": []}})",
        R"({"warnings": [1]})",
        R"({"fidelity": [{"original": 1}]})",
        R"({"energy": [{"components": [{"type": "C"}]}]})",
        R"({"energy": [{"known": 1}]})",
        R"({"energy": [{"components": [{"correlation": {"kind": "moon"}}]}]})",
        R"({"schema": "haywatt-record/99"})"})
    EXPECT_EQ(kind_of(text), ErrorKind::BadInput) << text;
}

/// Whatever is cut out of or put into a record: a record or one clear error, nothing else.
TEST(Json, EveryMutationIsReadOrRefused) {
  const json whole = json(test::example_study());
  const json flat = whole.flatten();
  const std::vector<json> values = {nullptr, true, -7, 1e300, "text", json::array(), json::object(), json::array({1})};
  for (const auto& [pointer, ignored] : flat.items()) {
    for (const json& value : values) {
      json changed = whole;
      changed[json::json_pointer(pointer)] = value;
      try {
        (void)changed.get<StudyRecord>();
      } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::BadInput);
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace haywatt
