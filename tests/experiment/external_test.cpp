// External methods: command lines, plans, tables handed over and back, runs.
#include "haywatt/experiment/external.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "experiment/command_template.hpp"
#include "experiment/handed_table.hpp"
#include "experiment/merged_run.hpp"
#include "experiment/tables.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/experiment/plan.hpp"
#include "haywatt/experiment/worker.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::experiment {
namespace {

using testing::write_csv;
using testing::write_file;
using Words = std::vector<std::string>;

/// The message of the usage error that `f` makes.
template <class F>
std::string complaint(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "accepted";
  return {};
}

CommandLine filled_line(const std::string& text, const std::map<std::string, std::string>& values) {
  std::vector<std::string_view> known;
  for (const auto& [name, value] : values) known.push_back(name);
  return CommandTemplate(text, known).fill(values);
}

TEST(CommandTemplates, PathsAreNeverReadAsSyntax) {
  const std::string evil = "a b'; rm -rf \"$HOME\" > {out} `x` {in}";
  const CommandLine line =
      filled_line("xz -c --in={in} '{in}' \"a {in}\" < {in} > {out}", {{"in", evil}, {"out", "o > p"}});
  EXPECT_EQ(line.words, (Words{"xz", "-c", "--in=" + evil, evil, "a " + evil}));
  EXPECT_EQ(line.input_file, evil);
  EXPECT_EQ(line.output_file, "o > p");
}

TEST(CommandTemplates, QuotesAndBraces) {
  EXPECT_EQ(filled_line(R"(awk '{print $1}' {{in}} a\ b "" {)", {{"in", "x"}}).words,
            (Words{"awk", "{print $1}", "{in}", "a b", "", "{"}));
  EXPECT_EQ(filled_line("c {bound} x{bound}", {{"bound", "--range 0.1"}}).words,
            (Words{"c", "--range", "0.1", "x--range 0.1"}));
  EXPECT_EQ(filled_line("c {bound}", {{"bound", ""}}).words, (Words{"c"}));
}

TEST(CommandTemplates, WhatNeedsAShellIsRefused) {
  const auto said = [](const std::string& text) {
    return complaint([&] { (void)CommandTemplate(text, {"in", "out"}); });
  };
  for (const char* text : {"a | b", "a; b", "a && b", "a $HOME", "a \"$HOME\"", "a `b`", "a *.npz", "(a)"})
    EXPECT_NE(said(text).find("no shell reads this command"), std::string::npos) << text;
  for (const char* text : {"a 2> {out}", "a >> {out}", "a >", "a > {out} > {out}", "a < > {out}"})
    EXPECT_NE(said(text).find("must be followed by one file"), std::string::npos) << text;
  EXPECT_NE(said("a {inn}").find("unknown placeholder {inn}; known here: {in}, {out}"), std::string::npos);
  EXPECT_NE(said("a 'b").find("opening quote"), std::string::npos);
  EXPECT_NE(said("  ").find("empty"), std::string::npos);
  for (const char* text :
       {"sh -c 'xz {in}'", "/bin/bash -ec 'xz {in}'", "python3 -c 'open(\"{in}\")'", "perl -e '{in}'"})
    EXPECT_NE(said(text).find("inside a script"), std::string::npos) << text;
  EXPECT_NO_THROW((void)CommandTemplate("sh -c 'xz \"$1\"' sh {in}", {"in"}));
}

const std::string plan_head = "data = 'jets.npz'\n[[method]]\nname = 'xz'\n";

Plan plan_of(const std::string& keys) { return parse_plan(plan_head + keys, "dir/plan.toml"); }

TEST(ExternalPlans, ReadEveryKey) {
  const Plan plan = plan_of(R"(
train = "t {in} {model}"
compress = "c {in} {out} {bound}"
decompress = "d {in} {out}"
version = "c --version"
input = "raw-f4"
output = "npz"
guarantee = { lossless = "", range = "-r {epsilon}" }
phases_from = "^(\\w+):"
environment = { OMP_NUM_THREADS = "{threads}" }
folder = "bin"
out = "p/packed"
model = "p/model"
stored = ["p/config/"]
timeout_s = 5
bounds = ["range:1e-3"]
)");
  ASSERT_EQ(plan.methods.size(), 1u);
  EXPECT_EQ(plan.methods[0].spec.text(), "external:xz");
  ASSERT_TRUE(plan.methods[0].external.has_value());
  const ExternalMethod& m = *plan.methods[0].external;
  EXPECT_EQ(m.name, "xz");
  EXPECT_EQ(m.input, TableForm::RawF4);
  EXPECT_EQ(m.output, TableForm::Npz);
  EXPECT_EQ(m.guarantee.at("range"), "-r {epsilon}");
  EXPECT_EQ(m.folder, "dir/bin");
  EXPECT_EQ(m.stored, Words{"p/config"});
  EXPECT_EQ(m.timeout_s, 5.0);
  EXPECT_TRUE(m.supports({parse_bound_rule("range:1e-3")}));
  EXPECT_FALSE(m.supports({parse_bound_rule("abs:1e-3")}));
  EXPECT_FALSE(m.supports({parse_bound_rule("none")}));
  EXPECT_FALSE(m.supports({parse_bound_rule("range:1e-3"), parse_bound_rule("x=range:1e-4")}))
      << "no {bounds} to tell it";
}

TEST(ExternalPlans, GoldenErrors) {
  const std::string usable = "compress = 'c {in} {out}'\ndecompress = 'd {in} {out}'\n";
  const std::vector<std::pair<std::string, std::string>> golden = {
      {"compress = 'c {in}'",
       "dir/plan.toml:2: 'decompress' is missing: the command line that decodes {in} into {out} (or one_way = true)"},
      {usable + "one_way = true",
       "dir/plan.toml:2: 'one_way' says that it cannot decompress, and there is a 'decompress'"},
      {usable + "colour = 1",
       "dir/plan.toml:6: unknown key 'colour'; known here: name, train, compress, decompress, version, input, output, "
       "guarantee, bounds, phases_from, environment, folder, out, model, stored, timeout_s, one_way"},
      {usable + "input = 'root'", "dir/plan.toml:6: 'root' is no form of a table: npz, npy, raw-f4, raw-f8 or csv"},
      {usable + "guarantee = ['close']",
       "dir/plan.toml:2: 'guarantee': 'close' is no kind of bound: lossless, abs, range, rel, bits"},
      {usable + "guarantee = { range = '{eps}' }",
       "dir/plan.toml:2: 'guarantee': unknown placeholder {eps}; known here: {epsilon}"},
      {usable + "out = '../x'", "dir/plan.toml:2: 'out' must be a path inside the work folder, not '../x'"},
      {usable + "out = 'p/x'\nstored = ['p']",
       "dir/plan.toml:2: 'stored' names 'p', in which 'p/x' lies, and that is counted anyway"},
      {usable + "timeout_s = 0", "dir/plan.toml:6: 'timeout_s' must be a positive number"},
      {usable + "environment = { A = 1 }", "dir/plan.toml:6: 'A' must be a text in quotes"},
      {usable + "one_way = 1", "dir/plan.toml:6: 'one_way' must be true or false"},
      {"compress = 'c {in} | d'\ndecompress = 'd'",
       "dir/plan.toml:2: 'compress': '|' is of the shell's language, and no shell reads this command; quote it, or "
       "write sh -c '…' sh {in} {out} with $1 and $2 in the script"},
      {"compress = 'c {original}'\ndecompress = 'd'",
       "dir/plan.toml:2: 'compress': unknown placeholder {original}; known here: {in}, {out}, {model}, {work}, {plan}, "
       "{threads}, {rows}, {columns}, {bound}, {epsilon}, {bounds}; the text itself is {{original}}"},
  };
  for (const auto& [keys, message] : golden) EXPECT_EQ(complaint([&k = keys] { (void)plan_of(k); }), message);
  EXPECT_NE(complaint([&] { (void)plan_of(usable + "phases_from = '('"); }).find("dir/plan.toml:6: --phases-from '('"),
            std::string::npos);
  EXPECT_NE(complaint([] {
              (void)parse_plan("data='x'\n[[method]]\nname='a b'\ncompress='c'\ndecompress='d'", "p");
            }).find("the name 'a b' of an external method"),
            std::string::npos);
}

TEST(ExternalPlans, TheCommandsArePartOfTheIdentityAndThePlanIsWrittenBack) {
  testing::Folder folder;
  write_csv(folder / "t.csv", 5, 2);
  const auto table = open_table(folder / "t.csv");
  const std::vector<TableFacts> tables = {{folder / "t.csv", "0123456789abcdef", table->schema()}};
  const std::string keys = "decompress = 'd {in} {out}'\nguarantee = ['lossless']\nenvironment = { A = 'b \"c\"' }\n";
  const Plan one = plan_of("compress = 'c -9 {in} > {out}'\n" + keys);
  const Plan two = plan_of("compress = 'c -8 {in} > {out}'\n" + keys);
  const auto trials = expand(one, tables).trials;
  ASSERT_EQ(trials.size(), 1u);
  EXPECT_EQ(trials[0].bound.text(), "lossless");
  EXPECT_EQ(trials[0].external->timeout_s, 3600.0);
  EXPECT_NE(trials[0].key(0), expand(two, tables).trials[0].key(0));
  const Plan again = parse_plan(plan_as_ran(one, tables, trials), "plan.toml");
  ASSERT_EQ(again.methods.size(), 1u);
  EXPECT_EQ(again.methods[0].external->identity(), one.methods[0].external->identity());
  EXPECT_EQ(expand(again, tables).trials[0].key(3), trials[0].key(3));
}

TEST(ExternalPlans, TheShippedExampleIsOne) {
  const std::string path = std::string(HAYWATT_SOURCE_DIR) + "/examples/external.toml";
  const Plan plan = parse_plan(read_text_file(path), path);
  std::set<std::string> names;
  for (const PlannedMethod& m : plan.methods)
    if (m.external) names.insert(m.external->name);
  EXPECT_EQ(names, (std::set<std::string>{"baler-python", "quantise", "xz"}));
}

TEST(MergedRuns, ProgramsAddUpAndTheirPhasesGetTheStepsName) {
  const auto program = [](double wall_s, double joules) {
    RunRecord r;
    r.wall_s = wall_s;
    r.cpu_s = wall_s / 2;
    r.rss_peak_B = static_cast<std::uint64_t>(100 * wall_s);
    Component model{"model", 'B', 0.5, 0.0, {CorrelationKind::Model, "m"}};
    EnergyFigure e{
        Figure::from_components(joules, "J", {model}), "estimate", "wall", "process-tree", "marginal", "VM", true, ""};
    r.energy = {e};
    e.share = "phase";
    e.joules = scaled(e.joules, 0.5, "J");
    r.phases = {{"compress/network", wall_s / 2, wall_s / 4, {e}}, {"other", wall_s / 2, wall_s / 4, {e}}};
    r.spans = {{"compress", 1, 0.0, wall_s}};
    return r;
  };
  RunRecord run;
  append_program(run, program(1.0, 3.0), "encode", "compress");
  append_program(run, program(3.0, 5.0), "decode", "decompress");
  EXPECT_EQ(run.wall_s, 4.0);
  EXPECT_EQ(run.cpu_s, 2.0);
  EXPECT_EQ(run.rss_peak_B, 300u);
  ASSERT_EQ(run.energy.size(), 1u);
  EXPECT_DOUBLE_EQ(run.energy[0].joules.value, 8.0);
  EXPECT_NEAR(run.energy[0].joules.high, 8.0 * std::exp(1.96 * 0.5), 0.01) << "the model's uncertainty is shared";
  Words names;
  double joules = 0.0;
  for (const PhaseRecord& p : run.phases) {
    names.push_back(p.name);
    joules += p.energy.at(0).joules.value;
  }
  EXPECT_EQ(names, (Words{"encode/network", "encode", "decode/compress/network", "decode"}));
  EXPECT_DOUBLE_EQ(joules, 8.0);
  EXPECT_EQ(run.spans[1].start_s, 1.0);
}

class ExternalRuns : public ::testing::Test {
 protected:
  ExternalRuns() {
    write_csv(folder / "t.csv", 400, 3);
    job.id = "0123456789abcdef";
    job.data = folder / "t.csv";
    job.method = "external:x";
    job.bound = "none";
    job.rules = {"*=none"};
    job.output = folder / "out.hay";
    job.machine = describe_machine();
    job.external = ExternalMethod{};
    job.external->name = "x";
    job.external->input = job.external->output = TableForm::RawF8;
    job.external->compress = "gzip -c {in} > {out}";
    job.external->decompress = "gzip -dc {in} > {out}";
    job.external->timeout_s = 60.0;
  }

  RunRecord run() {
    RunRecord r = run_external(job);
    EXPECT_FALSE(std::filesystem::exists(job.output + ".d")) << "the work folder is gone";
    return r;
  }
  std::string reason() {
    const RunRecord r = run();
    EXPECT_EQ(r.status, "failed");
    return r.reason;
  }

  testing::Folder folder;
  WorkerJob job;
};

TEST_F(ExternalRuns, EveryFormComesBackAsItWent) {
  job.rules = {"*=lossless"};
  job.external->guarantee = {{"lossless", ""}};
  for (const TableForm form : {TableForm::Npz, TableForm::Npy, TableForm::RawF8, TableForm::Csv}) {
    job.external->input = job.external->output = form;
    const RunRecord r = run();
    EXPECT_EQ(r.status, "ok") << name_of(form) << ": " << r.reason;
    ASSERT_EQ(r.fidelity.size(), 3u);
    for (const ColumnFidelity& c : r.fidelity) EXPECT_EQ(c.exact_share, 1.0) << name_of(form);
    EXPECT_EQ(r.rows, 400u);
    EXPECT_GT(r.compressed_B, 100u);
    EXPECT_GT(r.wall_s, 0.0);
    EXPECT_NE(r.phase("encode"), nullptr);
    EXPECT_NE(r.phase("decode"), nullptr);
    double wall_s = 0.0;
    for (const PhaseRecord& p : r.phases) wall_s += p.wall_s;
    EXPECT_NEAR(wall_s, r.wall_s, 1e-6);
  }
  job.external->input = job.external->output = TableForm::RawF4;
  EXPECT_NE(reason().find("outside the bound lossless"), std::string::npos) << "float32 cannot hold these";
}

TEST_F(ExternalRuns, AreHeldToTheBoundTheyClaim) {
  job.external->input = job.external->output = TableForm::RawF4;
  job.external->guarantee = {{"abs", "{epsilon}"}};
  job.rules = {"*=abs:1e-6"};
  EXPECT_EQ(run().status, "ok");
  job.rules = {"*=abs:1e-12"};
  EXPECT_NE(reason().find("outside the bound abs 1e-12"), std::string::npos);
}

TEST_F(ExternalRuns, TrainAndStoredFilesAreCountedAndPhasesAreKept) {
  job.external->train =
      "sh -c 'echo begin read 1<>\"$HAYWATT_PHASES\"; printf 12345 > \"$1\"; mkdir d; printf 123 > d/e' sh {model}";
  job.external->stored = {"d"};
  job.external->decompress = "sh -c 'cat \"$1\" d/e > /dev/null && gzip -dc \"$2\" > \"$3\"' sh {model} {in} {out}";
  const RunRecord r = run();
  EXPECT_EQ(r.status, "ok") << r.reason;
  EXPECT_EQ(r.model_B, 8u);
  EXPECT_NE(r.phase("train/read"), nullptr);
}

TEST_F(ExternalRuns, WhatIsNotCountedIsNotThereWhenItDecompresses) {
  job.external->compress = "sh -c 'echo x > \"$1\"; cp \"$2\" kept; mkdir d; cp \"$2\" d' sh {out} {in}";
  job.external->decompress = "sh -c 'ls; cat kept d/* > \"$1\"' sh {out}";
  EXPECT_NE(reason().find("decompress: exit code 1: cat: "), std::string::npos);
}

TEST_F(ExternalRuns, FailuresAreRowsWithAReason) {
  job.external->compress = "no-such-program {in}";
  EXPECT_EQ(reason(),
            "compress: no-such-program was not found: install it, or write in 'compress' of the plan where it lies");
  job.external->compress = "sh -c 'echo one >&2; echo the reason >&2; exit 3'";
  EXPECT_EQ(reason(), "compress: exit code 3: the reason");
  job.external->compress = "sh -c 'kill -9 $$'";
  EXPECT_NE(reason().find("compress: ended by signal 9"), std::string::npos);
  job.external->compress = "true {in}";
  EXPECT_EQ(reason(), "compress left no {out}");
  job.external->compress = "touch {out}";
  EXPECT_EQ(reason(), "compress: {out} is empty");
  job.external->compress = "ln -s {in} {out}";
  EXPECT_EQ(reason(), "compress: {out} is neither file nor folder");
  job.external->compress = "cp {in} {out}";
  job.external->decompress = "true";
  EXPECT_EQ(reason(), "decompress left no {out}");
  job.external->decompress = "head -c 96 {in} > {out}";
  EXPECT_EQ(reason(), "decompress: it decoded 96 bytes, and 400 rows of 3 values of f8 are 9600");
  job.external->output = TableForm::Npz;
  EXPECT_NE(reason().find("decompress: "), std::string::npos) << "no zip";
}

TEST_F(ExternalRuns, AHangIsEndedWithAllThatItStarted) {
  job.external->timeout_s = 0.3;
  const std::string pids = folder / "pids";
  job.external->compress =
      "sh -c 'setsid sleep 300 & echo $! > \"$1\"; sleep 300 & echo $! >> \"$1\"; wait' sh " + pids;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(reason(), "compress took longer than 0.3 s and was stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(60));
  std::ifstream list(pids);
  int seen = 0;
  for (pid_t pid = 0; list >> pid; ++seen) EXPECT_NE(::kill(pid, 0), 0) << pid;
  EXPECT_EQ(seen, 2);
}

TEST_F(ExternalRuns, TheOriginalIsSafe) {
  job.external->input = TableForm::Csv;
  job.external->compress = "mv {in} {out}";
  job.external->decompress = "false";
  (void)run();
  EXPECT_TRUE(std::filesystem::exists(job.data));
}

TEST_F(ExternalRuns, VersionIsTheFirstLineThatItPrints) {
  job.external->version = "printf '\\nx 1.2\\nmore\\n'";
  EXPECT_EQ(version_of(*job.external, folder / "v"), "x 1.2");
  job.external->version = "no-such-program";
  EXPECT_EQ(version_of(*job.external, folder / "v"), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "v"));
}

}  // namespace
}  // namespace haywatt::experiment
