#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt {
namespace {

ProfileRecord example() {
  ProfileRecord r;
  r.subject = "baler on jets.npz";
  r.by = "operators";
  r.run.id = "x";
  OperatorRecord& o = r.operators.emplace_back();
  o.phase = "encode";
  o.layer = "encoder.0";
  o.name = "dense";
  o.dtype = "f32";
  o.calls = 3;
  o.wall_s = 0.5;
  o.macs = 4800.0;
  o.energy.emplace_back().joules = Figure::exact(2.0, "J");
  r.timeline = {{1, 0, 0.25, 0.5}};
  r.timeline_left_out = 7;
  r.compute_peaks = {{"f32", 2, 1e11}};
  r.memory_peaks = {{"L1", 1, 16384.0, 2e11}};
  r.stacks.by = "ptrace";
  r.stacks.period_s = 0.01;
  r.stacks.samples = 4;
  r.stacks.frames = {{"main", "a.out", "a.c", 3}, {"f", "a.out", "", 0}};
  r.stacks.nodes = {{-1, 0, 1, 0.01}, {0, 1, 3, 0.03}};
  r.notes = {"a note"};
  return r;
}

TEST(ProfileJson, WhatIsWrittenIsReadAgain) {
  const nlohmann::json j = example();
  EXPECT_EQ(j["schema"], "haywatt-profile/1");
  EXPECT_TRUE(j["operators"][0]["flops"].is_null()) << "what is not known is null";
  EXPECT_TRUE(j["profiler_cpu_s"].is_null());
  const auto back = j.get<ProfileRecord>();
  EXPECT_EQ(nlohmann::json(back), j);
  EXPECT_LT(back.operators[0].flops, 0.0);
  EXPECT_EQ(back.stacks.nodes[1].parent, 0);
  EXPECT_EQ(back.stacks.nodes[1].self_s, 0.03);
}

TEST(ProfileJson, AnotherShapeIsBadInput) {
  const nlohmann::json whole = example();
  for (const char* patch : {R"([{"op": "replace", "path": "/schema", "value": "haywatt-profile/2"}])",
                            R"([{"op": "replace", "path": "/operators", "value": 1}])",
                            R"([{"op": "replace", "path": "/operators/0", "value": 1}])",
                            R"([{"op": "replace", "path": "/timeline/operator/0", "value": 1}])",
                            R"([{"op": "replace", "path": "/timeline/operator", "value": []}])",
                            R"([{"op": "replace", "path": "/stacks/nodes/parent/0", "value": 1}])",
                            R"([{"op": "replace", "path": "/stacks/nodes/parent/1", "value": 1}])",
                            R"([{"op": "replace", "path": "/stacks/nodes/parent/1", "value": -2}])",
                            R"([{"op": "replace", "path": "/stacks/nodes/frame/1", "value": 2}])",
                            R"([{"op": "remove", "path": "/stacks/nodes/samples/0"}])"}) {
    const nlohmann::json broken = whole.patch(nlohmann::json::parse(patch));
    EXPECT_THROW((void)broken.get<ProfileRecord>(), Error) << patch;
  }
}

}  // namespace
}  // namespace haywatt
