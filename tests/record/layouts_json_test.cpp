#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/record/layouts.hpp"

namespace haywatt {
namespace {

LayoutsRecord example() {
  LayoutsRecord r;
  r.command = "haywatt layouts -o x";
  r.waiting = "sleep";
  r.ranks = 3;
  LayoutPart& part = r.parts.emplace_back();
  part.widen = 16;
  part.weights_B = 1234;
  part.curve = {1e-6, 2e-11, 3e-10, 0.5, 0.1};
  LayoutNetwork& n = part.networks.emplace_back();
  n.name = "1Gbit + 50 us";
  n.transport = "tcp";
  n.rate_bit_s = 1e9;
  n.latency_s = 50e-6;
  n.samples = {{1, 2e-5, 3e-5, 1e-6, 2e-6}};
  n.one_way = {{65400, 2e-5, 1e-9}, {UINT64_MAX, 8e-5, 8e-9}};
  LayoutCase& c = n.cases.emplace_back();
  c.layout = "tensor";
  c.model_parallel = true;
  c.batch = 32;
  c.predicted_time_s = 0.5;
  c.ranks = {{0.4, 0.45, 0.5, 0.5, 600, 70}};
  c.trials = {{0.51, {0.5, 0.4, 0.3}}};
  c.time_s = Figure::exact(0.51, "s");
  c.time_deviation = -0.02;
  LayoutPays& p = r.pays.emplace_back();
  p.network = n.name;
  p.extrapolated = true;
  p.batch = 32;
  p.time = {{16, 64}, "tensor", 64, 1.7};
  p.assumption = "as here";
  r.notes = {"a note"};
  return r;
}

TEST(LayoutsJson, WhatIsWrittenIsReadAgain) {
  const nlohmann::json j = example();
  EXPECT_EQ(j["schema"], "haywatt-layouts/1");
  const auto back = j.get<LayoutsRecord>();
  EXPECT_EQ(nlohmann::json(back), j);
  EXPECT_EQ(back.parts[0].networks[0].one_way[1].up_to_B, UINT64_MAX);
  EXPECT_EQ(back.pays[0].time.widths, (std::vector<std::uint64_t>{16, 64}));
}

TEST(LayoutsJson, AnotherShapeIsBadInput) {
  const nlohmann::json whole = example();
  for (
      const char* text :
      {R"({"schema": "haywatt-layouts/2"})", R"({"schema": "haywatt-layouts/1", "parts": 1})",
       R"({"schema": "haywatt-layouts/1", "parts": [{"networks": [{"cases": [7]}]}]})",
       R"({"schema": "haywatt-layouts/1", "parts": [{"networks": [{"cases": [{"trials": {"time_s": [1, 2], "cpu_s": [[1]]}}]}]}]})",
       R"({"schema": "haywatt-layouts/1", "pays": [{"batch": "x"}]})", R"([])"}) {
    try {
      static_cast<void>(nlohmann::json::parse(text).get<LayoutsRecord>());
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::BadInput) << text;
    }
  }
}

}  // namespace
}  // namespace haywatt
