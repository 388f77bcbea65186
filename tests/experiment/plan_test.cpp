#include "haywatt/experiment/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::experiment {
namespace {

Plan parse(const std::string& text) { return parse_plan(text, "dir/plan.toml"); }

/// The message of the usage error that `text` makes.
std::string complaint(const std::string& text) {
  try {
    (void)parse(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2) << text;
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << "more than one line: " << e.what();
    return e.what();
  }
  ADD_FAILURE() << "accepted: " << text;
  return {};
}

TableFacts table(std::uint64_t columns = 3) {
  TableFacts facts{"t.npz", "0123456789abcdef", {}};
  facts.schema.format = "npz";
  for (std::uint64_t c = 0; c < columns; ++c) {
    ColumnInfo info;
    info.name = "c" + std::to_string(c);
    info.dtype = DType{ScalarKind::Float, 4, false};
    info.rows = 10;
    facts.schema.columns.push_back(info);
  }
  return facts;
}

std::vector<std::string> labels(const Plan& plan, const std::vector<TableFacts>& tables = {table()}) {
  std::vector<std::string> all;
  for (const Trial& t : expand(plan, tables).trials) all.push_back(t.label);
  return all;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

TEST(PlanToml, ReadsEveryKey) {
  const Plan plan = parse(R"(
title = "A title"
data = ["jets.npz", "/abs/other.npz"]
methods = ["zstd"]
bounds = ["lossless", ["range:1e-3", "pt*=rel:1e-4"]]
threads = [1, 2]
repeats = 4
budget_s = 12.5
timeout_s = 30
memory = "512M"
seed = 9
tdp_w = 205
idle_w = 41.5
[[method]]
name = "zstd"
options = { level = 19 }
bounds = ["lossless"]
)");
  EXPECT_EQ(plan.title, "A title");
  EXPECT_EQ(plan.estimate.tdp_W, 205.0);
  EXPECT_EQ(plan.estimate.idle_W, 41.5);
  EXPECT_EQ(plan.data, (std::vector<std::string>{"dir/jets.npz", "/abs/other.npz"}));
  ASSERT_EQ(plan.methods.size(), 2u);
  EXPECT_EQ(plan.methods[0].spec.text(), "zstd");
  EXPECT_FALSE(plan.methods[0].bounds.has_value());
  EXPECT_EQ(plan.methods[1].spec.text(), "zstd:level=19");
  ASSERT_TRUE(plan.methods[1].bounds.has_value());
  EXPECT_EQ(plan.methods[1].bounds->size(), 1u);
  ASSERT_EQ(plan.bounds.size(), 2u);
  EXPECT_EQ(plan.bounds[1].text(), "range:1e-3; pt*=rel:1e-4");
  EXPECT_EQ(plan.threads, (std::vector<int>{1, 2}));
  EXPECT_EQ(plan.repeats, 4);
  EXPECT_EQ(plan.budget_s, 12.5);
  EXPECT_EQ(plan.timeout_s, 30.0);
  EXPECT_EQ(plan.memory_B, std::uint64_t{512} << 20);
  EXPECT_EQ(plan.seed, 9u);
}

TEST(PlanToml, TakesOneInPlaceOfAList) {
  const Plan plan = parse("data = 'a.npz'\nthreads = 3\nbounds = 'lossless'\nmethods = 'zstd'");
  EXPECT_EQ(plan.data, (std::vector<std::string>{"dir/a.npz"}));
  EXPECT_EQ(plan.threads, (std::vector<int>{3}));
  EXPECT_EQ(plan.bounds.size(), 1u);
  EXPECT_EQ(plan.methods.size(), 1u);
}

struct Bad {
  const char* text;
  int line;
  const char* names;
};

TEST(PlanToml, ComplaintsNameTheLineAndTheKey) {
  const Bad bad[] = {
      {"data = 'a.npz'\nbound = ['lossless']", 2, "unknown key 'bound'"},
      {"data = 'a.npz'\n[[method]]\nname = 'zstd'\nlevel = 3", 4, "unknown key 'level'"},
      {"data = 'a.npz'\n[[method]]\noptions = {}", 2, "'name'"},
      {"data = 'a.npz'\n[[method]]\nname = 'no-such'", 3, "no-such"},
      {"data = 'a.npz'\n[[method]]\nname = 'zstd'\noptions = { leval = 3 }", 3, "leval"},
      {"data = 'a.npz'\n[[method]]\nname = 'zstd'\noptions = { level = [1] }", 4, "level"},
      {"data = 'a.npz'\nmethods = ['zstd', 'no-such']", 2, "no-such"},
      {"data = 'a.npz'\nmethods = [3]", 2, "methods"},
      {"data = 'a.npz'\nmethods = []", 2, "methods"},
      {"data = 3", 1, "data"},
      {"data = []", 1, "data"},
      {"data = 'a.npz'\nbounds = ['range']", 2, "range"},
      {"data = 'a.npz'\nbounds = [['=abs:1']]", 2, "=abs:1"},
      {"data = 'a.npz'\nthreads = 0", 2, "threads"},
      {"data = 'a.npz'\nthreads = [1, 'two']", 2, "threads"},
      {"data = 'a.npz'\nrepeats = 0", 2, "repeats"},
      {"data = 'a.npz'\nrepeats = 2.5", 2, "repeats"},
      {"data = 'a.npz'\nbudget_s = -1", 2, "budget_s"},
      {"data = 'a.npz'\nbudget_s = inf", 2, "budget_s"},
      {"data = 'a.npz'\ntimeout_s = 'long'", 2, "timeout_s"},
      {"data = 'a.npz'\nmemory = 'much'", 2, "memory"},
      {"data = 'a.npz'\nmemory = 5", 2, "memory"},
      {"data = 'a.npz'\nseed = -1", 2, "seed"},
      {"data = 'a.npz'\nmethod = 5", 2, "method"},
      {"data = 'a.npz'\ntitle = [", 2, ""},
      {"data = 'a.npz'\n\ndata = 'b.npz'", 3, ""},
  };
  for (const Bad& b : bad) {
    const std::string said = complaint(b.text);
    EXPECT_TRUE(said.starts_with("dir/plan.toml:" + std::to_string(b.line) + ": ")) << b.text << "\n" << said;
    EXPECT_NE(said.find(b.names), std::string::npos) << b.text << "\n" << said;
    EXPECT_EQ(said.find("plan.toml:", 5), std::string::npos) << "located twice: " << said;
  }
  EXPECT_NE(complaint("title = 'x'").find("'data' is missing"), std::string::npos);
}

TEST(PlanToml, HostileTextIsAComplaint) {
  (void)complaint(std::string("data = '\xff\xfe'"));
  (void)complaint(std::string("\0", 1));
  (void)complaint("data = " + std::string(100000, '['));
}

TEST(PlanToml, TheExampleIsAPlan) {
  const std::string path = std::string(HAYWATT_SOURCE_DIR) + "/examples/plan.toml";
  const Plan plan = parse_plan(read_text_file(path), path);
  ASSERT_EQ(plan.data.size(), 1u);
  EXPECT_NO_THROW((void)read_text_file(plan.data[0]));
}

TEST(MethodList, KeepsOptionsTogether) {
  const auto methods = parse_method_list("zstd:level=19,window=20,lz4,hdf5:sz3");
  ASSERT_EQ(methods.size(), 3u);
  EXPECT_EQ(methods[0].spec.name, "zstd");
  EXPECT_EQ(methods[0].spec.options.size(), 2u);
  EXPECT_EQ(methods[1].spec.text(), "lz4");
  EXPECT_EQ(methods[2].spec.name, "hdf5:sz3");
  EXPECT_THROW((void)parse_method_list("zstd,,lz4"), Error);
  EXPECT_THROW((void)parse_method_list(""), Error);
}

TEST(Expand, TheDefaultIsEveryMethodThatApplies) {
  const auto all = labels(Plan{});
  EXPECT_TRUE(has(all, "zstd, lossless"));
  EXPECT_TRUE(has(all, "zstd, range:1e-3"));
  EXPECT_TRUE(has(all, "zstd:level=19, lossless"));
  EXPECT_FALSE(has(all, "zstd, none"));
  EXPECT_FALSE(has(all, "baler, lossless"));
}

TEST(Expand, LabelsNameWhatVaries) {
  Plan plan;
  plan.methods = parse_method_list("zstd");
  plan.bounds = parse_bound_list("lossless");
  EXPECT_EQ(labels(plan), (std::vector<std::string>{"zstd, lossless"}));
  plan.threads = {1, 2};
  EXPECT_EQ(labels(plan), (std::vector<std::string>{"zstd, lossless, 1 thread", "zstd, lossless, 2 threads"}));
  TableFacts other = table();
  other.path = "dir/u.npz";
  other.xxh3 = "00000000000000ff";
  plan.threads = {1};
  EXPECT_EQ(labels(plan, {table(), other}),
            (std::vector<std::string>{"zstd, lossless, t.npz", "zstd, lossless, u.npz"}));
}

TEST(Expand, RefusesWhatTheUserMustMend) {
  Plan plan;
  plan.methods = {{MethodSpec{"no-such", {}}, std::nullopt}};
  EXPECT_THROW((void)labels(plan), Error);
  plan.methods = {{MethodSpec{"zstd", {{"leval", "3"}}}, std::nullopt}};
  EXPECT_THROW((void)labels(plan), Error);
  plan.methods = {{MethodSpec{"zstd", {{"level", "many"}}}, std::nullopt}};
  EXPECT_THROW((void)labels(plan), Error);
  plan.methods = parse_method_list("zstd");
  plan.bounds = parse_bound_list("no-such-column=abs:1");
  EXPECT_THROW((void)labels(plan), Error);
  plan.bounds.clear();
  plan.methods = parse_method_list("zstd,zstd");
  EXPECT_THROW((void)labels(plan), Error) << "twice the same";
  plan.methods = parse_method_list("zstd");
  plan.bounds = parse_bound_list("none");
  EXPECT_THROW((void)labels(plan), Error) << "nothing left to run";
}

TEST(Expand, SaysWhatItLeavesOut) {
  Plan plan;
  plan.methods = parse_method_list("zstd");
  plan.bounds = parse_bound_list("lossless,none");
  const Expansion e = expand(plan, {table()});
  EXPECT_EQ(e.trials.size(), 1u);
  ASSERT_EQ(e.notes.size(), 1u);
  EXPECT_NE(e.notes[0].find("zstd is left out at none"), std::string::npos);
}

TEST(Keys, AreStableAndTellRunsApart) {
  Plan plan;
  plan.methods = parse_method_list("zstd,zstd:level=19");
  plan.threads = {1, 2};
  plan.bounds = parse_bound_list("lossless,range:1e-3");
  std::set<std::string> keys;
  const auto trials = expand(plan, {table()}).trials;
  for (const Trial& t : trials)
    for (int repeat = 0; repeat < 3; ++repeat) keys.insert(t.key(repeat));
  EXPECT_EQ(keys.size(), 2u * 2u * 2u * 3u);
  // Pinned: a study begun by one version must be resumable by the next.
  EXPECT_EQ(trials[0].method.text() + " " + trials[0].bound.text(), "zstd lossless");
  EXPECT_EQ(trials[0].key(0), "215ed9f4f222662d");
}

TEST(PlanAsRan, ReadsBackAsTheSamePlan) {
  Plan plan = parse(R"(
data = "t.npz"
bounds = ["lossless", ["range:1e-3", "c1=rel:1e-4"]]
threads = [1, 2]
tdp_w = 95.5
idle_w = 41
methods = ["zstd"]
[[method]]
name = "zstd"
options = { level = 19 }
bounds = ["range:0.5"]
)");
  for (const bool by_default : {false, true}) {
    if (by_default) plan = Plan{};
    const auto trials = expand(plan, {table()}).trials;
    const std::string text = plan_as_ran(plan, {table()}, trials);
    EXPECT_TRUE(text.starts_with("# haywatt plan " + plan_identity(plan, trials) + "\n")) << text;
    const Plan again = parse_plan(text, "plan.toml");
    EXPECT_EQ(plan_identity(again, expand(again, {table()}).trials), plan_identity(plan, trials)) << text;
  }
}

TEST(PlanIdentity, ChangesWithWhatIsRun) {
  const auto identity = [](const Plan& p) { return plan_identity(p, expand(p, {table()}).trials); };
  const Plan plan;
  Plan other = plan;
  other.repeats = 2;
  EXPECT_NE(identity(plan), identity(other));
  other = plan;
  other.seed = 2;
  EXPECT_NE(identity(plan), identity(other));
  other = plan;
  other.estimate.tdp_W = 95.0;
  EXPECT_NE(identity(plan), identity(other));
  Plan idle = plan;
  idle.estimate.idle_W = 95.0;
  EXPECT_NE(identity(plan), identity(idle));
  EXPECT_NE(identity(other), identity(idle));
  other = plan;
  other.bounds = parse_bound_list("lossless");
  EXPECT_NE(identity(plan), identity(other));
  other = plan;
  other.title = "called otherwise";
  EXPECT_EQ(identity(plan), identity(other));
}

}  // namespace
}  // namespace haywatt::experiment
