#include "haywatt/experiment/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "experiment/clock.hpp"
#include "experiment/process.hpp"
#include "haywatt/base/bytes.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/experiment/compare.hpp"
#include "haywatt/experiment/table_variant.hpp"

namespace haywatt::experiment {
namespace {

namespace fs = std::filesystem;
using Values = std::map<std::string, std::string>;

constexpr std::uint64_t largest_ladder_B = std::uint64_t{1} << 30;
/// Until something was timed: what a run is taken to last, so that a budget is not overrun by much.
constexpr double unknown_run_s = 5.0;

/// A run or a preparation was interrupted by the user.
struct Interrupted {};

std::string last_line(std::string words) {
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  return words.substr(words.rfind('\n') == std::string::npos ? 0 : words.rfind('\n') + 1);
}

std::string hex(std::uint64_t x) { return fmt::format("{:016x}", x); }

bool chosen(const std::vector<std::string>& of, const std::string& name) {
  return of.empty() || std::find(of.begin(), of.end(), name) != of.end();
}

class Climb {
 public:
  Climb(const LadderPlan& plan, const LadderOptions& options, const LadderWorld& world)
      : plan_(plan), options_(options), world_(world), start_s_(world.now_s()) {
    open_record();
    variables_ = plan.variables;
    for (const auto& [name, value] : options.variables) variables_[name] = value;
    variables_["files"] = options.folder + "/files";
    check_options();
  }

  LadderRecord make() {
    try {
      ready();
      record_.stopped_by = look_at_all() && measure_all() ? "rounds" : "budget";
    } catch (const Interrupted&) {
      record_.stopped_by = "interrupted";
    }
    record_.finished = utc_now();
    conclude_ladder(record_);
    store();
    return std::move(record_);
  }

 private:
  // --- what there is -------------------------------------------------------------------------------------------------

  void open_record() {
    if (fs::exists(options_.folder + "/" + ladder_file)) record_ = load_ladder(options_.folder);
    if (record_.started.empty()) record_.started = utc_now();
    if (!record_.runs.empty() && record_.machine.id != world_.machine.id)
      fail_usage(options_.folder + " holds a ladder of another machine: give another folder with -o");
    record_.title = plan_.title;
    record_.about = plan_.about;
    record_.subject = plan_.subject;
    record_.table = options_.table;
    record_.haywatt_version = world_.haywatt_version;
    record_.machine = world_.machine;
    record_.overhead = plan_.overhead;
    record_.phases = plan_.phases;
    record_.rungs = plan_.rungs;
    record_.faults = plan_.faults;
    record_.notes.clear();
    for (const std::uint64_t n : options_.rows)
      if (std::find(record_.rows.begin(), record_.rows.end(), n) == record_.rows.end()) record_.rows.push_back(n);
    std::sort(record_.rows.begin(), record_.rows.end());
    smallest_ = record_.rows.front();
  }

  void check_options() const {
    for (const std::string& id : options_.rungs)
      if (record_.rung(id) == nullptr) fail_usage("no rung is called '" + id + "'; --list shows them");
    for (const std::string& phase : options_.phases)
      if (std::find(plan_.phases.begin(), plan_.phases.end(), phase) == plan_.phases.end())
        fail_usage(fmt::format("no phase is called '{}'; there are {}", phase, fmt::join(plan_.phases, ", ")));
    const bool smaller = std::any_of(record_.runs.begin(), record_.runs.end(),
                                     [&](const LadderRun& r) { return r.rows > 0 && r.rows < smallest_; });
    if (smaller) fail_usage("the smallest size of a ladder cannot become larger: give another folder with -o");
  }

  /// Runs and checks of other commands than those of today go.
  void forget_the_stale() {
    const auto stale = [&](const auto& x) {
      const LadderRung* r = record_.rung(x.rung);
      return r == nullptr || !r->concerns(x.phase) || x.made != made_hash(*r, x.phase);
    };
    const std::size_t before = record_.runs.size();
    std::erase_if(record_.runs, stale);
    std::erase_if(record_.checks, [&](const LadderCheck& c) { return stale(c) || !c.failure.empty(); });
    if (before != record_.runs.size())
      log::info(
          fmt::format("{} runs of commands that have changed since are made again", before - record_.runs.size()));
  }

  void ready() {
    for (const auto& [name, content] : plan_.files) {
      const std::string path = options_.folder + "/files/" + name;
      fs::create_directories(fs::path(path).parent_path());
      write_text_file(path, content);
    }
    for (LadderRung& r : record_.rungs) {
      r.unavailable = reason_not_to_run(r.id);
      r.note = expand(r.note, variables_);
    }
    forget_the_stale();
    for (const auto& [name, command] : plan_.versions) {
      const ShellResult said = shell(expand(command, variables_));
      if (said.exit_code == 0 && !last_line(said.output).empty()) record_.versions[name] = last_line(said.output);
    }
    for (const std::uint64_t n : record_.rows) {
      const std::string path = table_path(n);
      if (fs::exists(path)) continue;
      fs::create_directories(fs::path(path).parent_path());
      write_variant(options_.table, {.base = smallest_, .rows = n, .float_type = {}}, path);
    }
  }

  std::string reason_not_to_run(const std::string& id) {
    const auto needs = plan_.needs.find(id);
    if (needs == plan_.needs.end()) return {};
    for (const LadderNeed& need : needs->second) {
      const ShellResult r = shell(expand(need.run, variables_));
      if (r.exit_code != 0) return need.why;
    }
    return {};
  }

  // --- commands ------------------------------------------------------------------------------------------------------

  [[nodiscard]] std::string size_folder(std::uint64_t rows) const {
    return fmt::format("{}/work/{}", options_.folder, rows);
  }
  [[nodiscard]] std::string table_path(std::uint64_t rows) const { return size_folder(rows) + "/table.npz"; }
  [[nodiscard]] std::string out_folder(const LadderRung& r, const std::string& phase, std::uint64_t rows) const {
    return fmt::format("{}/{}/{}", size_folder(rows), r.id, phase);
  }
  [[nodiscard]] std::string artefact_path(const LadderRung& r, const std::string& phase, std::uint64_t rows) const {
    return out_folder(r, phase, rows) + "/" + chosen_text(plan_.rung_artefact, plan_.artefact, r, phase);
  }

  static std::string chosen_text(const std::map<std::string, Values>& of_rungs, const Values& of_all,
                                 const LadderRung& r, const std::string& phase) {
    if (const auto own = of_rungs.find(r.id); own != of_rungs.end())
      if (const auto it = own->second.find(phase); it != own->second.end()) return it->second;
    const auto it = of_all.find(phase);
    return it == of_all.end() ? "" : it->second;
  }

  /// The first phase works for all sizes: what is compressed at any size was trained on the smallest.
  [[nodiscard]] std::uint64_t size_of_made(const std::string& phase, std::uint64_t rows) const {
    return phase == plan_.phases.front() ? smallest_ : rows;
  }

  Values values_for(const std::string& out, const std::string& made, std::uint64_t rows) const {
    Values v = variables_;
    v["out"] = out;
    v["made"] = made;
    v["rows"] = std::to_string(rows);
    v["table"] = table_path(rows);
    for (const std::string& phase : plan_.phases)
      if (const LadderRung* first = record_.first(phase))
        v["made_" + phase] = out_folder(*first, phase, size_of_made(phase, rows));
    return v;
  }

  /// Same command, same hash, wherever the folder lies.
  [[nodiscard]] std::string made_hash(const LadderRung& r, const std::string& phase) const {
    Values v = variables_;
    for (const char* name : {"out", "made", "rows", "table", "files", "haywatt"})
      v[name] = "<" + std::string(name) + ">";
    for (const std::string& p : plan_.phases) v["made_" + p] = "<made " + p + ">";
    std::string all =
        expand(chosen_text(plan_.rung_prepare, plan_.prepare, r, phase), v) + '\0' + expand(r.commands.at(phase), v);
    for (const std::string& setting : r.environment) all += '\0' + expand(setting, v);
    return hex(xxh3(as_byte_span(all)));
  }

  [[nodiscard]] std::vector<std::string> words_of(const LadderRung& r, const std::string& phase,
                                                  const Values& v) const {
    std::vector<std::string> words = {"env"};
    for (const std::string& setting : r.environment) words.push_back(expand(setting, v));
    const auto command = command_words(expand(r.commands.at(phase), v));
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

  ShellResult shell(const std::string& command) {
    if (world_.stop_asked()) throw Interrupted{};
    ShellResult r = world_.shell(command);
    if (r.interrupted_by != 0) throw Interrupted{};
    return r;
  }

  void shell_or_fail(const std::string& command) {
    const ShellResult r = shell(command);
    if (r.exit_code != 0) fail_input(fmt::format("{} (exit code {}): {}", command, r.exit_code, last_line(r.said)));
  }

  /// An empty {out}, readied.
  Values ready_out(const LadderRung& r, const std::string& phase, std::uint64_t rows) {
    const std::string prepare = chosen_text(plan_.rung_prepare, plan_.prepare, r, phase);
    for (const std::string& p : plan_.phases)
      if ((prepare + r.commands.at(phase)).find("{made_" + p + "}") != std::string::npos) ensure_made(p, rows);
    const std::string out = out_folder(r, phase, rows);
    fs::remove_all(out);
    fs::create_directories(out);
    Values v = values_for(out, "", rows);
    if (!prepare.empty()) shell_or_fail(expand(prepare, v));
    return v;
  }

  /// What the first rung's phase makes at this size, for phases that go on from there.
  void ensure_made(const std::string& phase, std::uint64_t rows) {
    const LadderRung* first = record_.first(phase);
    if (first == nullptr) fail_input("no rung can " + phase + " here, and another phase needs what it makes");
    rows = size_of_made(phase, rows);
    if (!fs::exists(artefact_path(*first, phase, rows))) make_unmetered(*first, phase, rows);
  }

  void make_unmetered(const LadderRung& r, const std::string& phase, std::uint64_t rows) {
    const Values v = ready_out(r, phase, rows);
    std::string command;
    for (const std::string& word : words_of(r, phase, v)) command += quoted(word) + " ";
    shell_or_fail(command);
    if (!fs::exists(artefact_path(r, phase, rows)))
      fail_input(fmt::format("its command ended well but did not make {}", artefact_path(r, phase, rows)));
  }

  static std::string quoted(const std::string& word) {
    std::string q = "'";
    for (const char c : word) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return q + "'";
  }

  void tidy(const LadderRung& r, const std::string& phase, std::uint64_t rows) {
    const bool needed = record_.first(phase) == &r && rows == size_of_made(phase, rows);
    if (!needed) fs::remove_all(out_folder(r, phase, rows));
  }

  // --- looking -------------------------------------------------------------------------------------------------------

  [[nodiscard]] bool wanted(const LadderRung& r, const std::string& phase) const {
    return chosen(options_.rungs, r.id) && chosen(options_.phases, phase) && record_.runs_here(r, phase);
  }

  [[nodiscard]] LadderCheck* check_at(const std::string& rung, const std::string& phase) {
    for (LadderCheck& c : record_.checks)
      if (c.rung == rung && c.phase == phase) return &c;
    return nullptr;
  }

  /// Each rung once at the smallest size: this fills caches, finds what fails, and knows the error made.
  /// False: the budget is spent.
  bool look_at_all() {
    for (const std::string& phase : plan_.phases) {
      for (const LadderRung& r : record_.rungs) {
        if (!wanted(r, phase) || check_at(r.id, phase) != nullptr) continue;
        if (elapsed_s() > options_.budget_s) return false;
        world_.progress(0.0, fmt::format("look at {} {}", r.id, phase));
        look_at(r, phase);
        store();
      }
      for (const LadderRung& r : record_.rungs)
        if (r.concerns(phase)) {
          tidy(r, phase, smallest_);
          fs::remove_all(out_folder(r, phase + "-decoded", smallest_));
        }
    }
    return true;
  }

  void look_at(const LadderRung& r, const std::string& phase) {
    LadderCheck c;
    c.rung = r.id;
    c.phase = phase;
    c.rows = smallest_;
    c.made = made_hash(r, phase);
    try {
      make_unmetered(r, phase, smallest_);
      judge(r, c);
    } catch (const Error& e) {
      c.failure = e.what();
      log::warning(fmt::format("rung {} fails to {}: {}", r.id, phase, e.what()));
    }
    record_.checks.push_back(std::move(c));
  }

  void judge(const LadderRung& r, LadderCheck& c) {
    const std::string artefact = artefact_path(r, c.phase, smallest_);
    c.artefact_B = fs::file_size(artefact);
    c.xxh3 = hex(xxh3_of_file(artefact));
    read_results(out_folder(r, c.phase, smallest_) + "/result.json", c);
    const std::string restored = decoded(r, c.phase);
    if (!restored.empty()) {
      const TableError e = table_error(table_path(smallest_), restored);
      c.max_error = e.max;
      c.median_error = e.median;
    }
    const LadderRung* before = record_.before(r, c.phase);
    if (before == nullptr) return;
    if (const LadderCheck* other = check_at(before->id, c.phase)) c.same_bytes = other->xxh3 == c.xxh3;
    if (restored.empty()) return;
    if (!fs::exists(artefact_path(*before, c.phase, smallest_))) make_unmetered(*before, c.phase, smallest_);
    c.max_difference = table_difference(table_path(smallest_), decoded(*before, c.phase), restored);
  }

  /// The table that comes back from what the rung's phase made; empty if the ladder does not say how.
  std::string decoded(const LadderRung& r, const std::string& phase) {
    const std::string command = chosen_text(plan_.rung_decode, plan_.decode, r, phase);
    if (command.empty()) return {};
    const std::string out = out_folder(r, phase + "-decoded", smallest_), restored = out + "/restored.npz";
    if (fs::exists(restored)) return restored;
    for (const std::string& p : plan_.phases)
      if (command.find("{made_" + p + "}") != std::string::npos) ensure_made(p, smallest_);
    fs::create_directories(out);
    shell_or_fail(expand(command, values_for(out, out_folder(r, phase, smallest_), smallest_)));
    if (!fs::exists(restored)) fail_input("nothing was decoded to " + restored);
    return restored;
  }

  static void read_results(const std::string& path, LadderCheck& c) {
    if (!fs::exists(path)) return;
    const auto j = nlohmann::json::parse(read_text_file(path, 1 << 20), nullptr, false);
    if (!j.is_object()) return;
    for (const char* name : {"loss", "train_loss", "epochs"})
      for (const nlohmann::json* at : {&j, j.contains("counts") ? &j["counts"] : &j})
        if (const auto it = at->find(name); it != at->end() && it->is_number()) c.results[name] = it->get<double>();
  }

  // --- measuring -----------------------------------------------------------------------------------------------------

  [[nodiscard]] double elapsed_s() const { return world_.now_s() - start_s_; }

  /// False: the budget is spent.
  bool measure_all() {
    // Known at the start, so that the progress bar can tell.
    std::size_t all = 0;
    for_each_wanted([&](const LadderRung&, const std::string&, std::uint64_t, int) { return ++all, true; });
    std::size_t done = 0;
    return for_each_wanted([&](const LadderRung& r, const std::string& phase, std::uint64_t rows, int round) {
      if (!record_.runs_here(r, phase)) return true;  // it failed meanwhile
      if (elapsed_s() + expected_s(r, phase, rows) > options_.budget_s) return false;
      world_.progress(static_cast<double>(done++) / static_cast<double>(all),
                      fmt::format("round {} {} rows {} {}", round + 1, rows, r.id, phase));
      measure(r, phase, rows, round);
      store();
      return true;
    });
  }

  /// Neighbours on the ladder run one after the other, up in even rounds and down in odd ones, so that what drifts
  /// steadily cancels.
  template <class F>
  bool for_each_wanted(F&& visit) {
    for (int round = 0; round < options_.rounds; ++round)
      for (const std::uint64_t rows : options_.rows)
        for (const std::string& phase : plan_.phases) {
          std::vector<const LadderRung*> order;
          for (const LadderRung& r : record_.rungs)
            if (wanted(r, phase) && !has_run(r, phase, rows, round)) order.push_back(&r);
          if (round % 2 == 1) std::reverse(order.begin(), order.end());
          for (const LadderRung* r : order)
            if (!visit(*r, phase, rows, round)) return false;
        }
    return true;
  }

  [[nodiscard]] bool has_run(const LadderRung& r, const std::string& phase, std::uint64_t rows, int round) const {
    return std::any_of(record_.runs.begin(), record_.runs.end(), [&](const LadderRun& x) {
      return x.rung == r.id && x.phase == phase && x.rows == rows && x.round == round;
    });
  }

  /// From the last run of the same kind, else of the rung below, else from the smallest size in proportion.
  [[nodiscard]] double expected_s(const LadderRung& r, const std::string& phase, std::uint64_t rows) const {
    double same = 0.0, below = 0.0;
    const LadderRung* before = record_.before(r, phase);
    for (const LadderRun& x : record_.runs) {
      if (x.phase != phase || x.rows != rows) continue;
      if (x.rung == r.id) same = x.run.wall_s;
      if (before != nullptr && x.rung == before->id) below = x.run.wall_s;
    }
    return same > 0.0 ? same : below > 0.0 ? below : unknown_run_s;
  }

  void measure(const LadderRung& r, const std::string& phase, std::uint64_t rows, int round) {
    if (world_.stop_asked()) throw Interrupted{};
    const std::string made = made_hash(r, phase);
    meter::ProgramResult result;
    try {
      const Values v = ready_out(r, phase, rows);
      // Not the command line: that holds paths of this machine.
      result = world_.run(words_of(r, phase, v), r.id + " " + phase);
    } catch (const Error& e) {
      add_failure(r, phase, rows, e.what());
      return;
    }
    if (result.interrupted_by != 0) throw Interrupted{};
    if (result.exit_code != 0) {
      const std::string words = last_line(result.last_words);
      add_failure(r, phase, rows, fmt::format("exit code {}{}", result.exit_code, words.empty() ? "" : ": " + words));
    } else {
      RunRecord& run = result.run;
      run.samples.clear();
      run.spans.clear();
      run.power.clear();
      run.tree.reset();
      record_.runs.push_back({r.id, phase, rows, round, made, std::move(run)});
    }
    tidy(r, phase, rows);
  }

  void add_failure(const LadderRung& r, const std::string& phase, std::uint64_t rows, const std::string& why) {
    std::erase_if(record_.checks, [&](const LadderCheck& c) { return c.rung == r.id && c.phase == phase; });
    LadderCheck& c = record_.checks.emplace_back();
    c.rung = r.id;
    c.phase = phase;
    c.rows = rows;
    c.made = made_hash(r, phase);
    c.failure = why;
    log::warning(fmt::format("rung {} fails to {} {} rows: {}", r.id, phase, rows, why));
  }

  void store() const { write_text_file(options_.folder + "/" + ladder_file, nlohmann::json(record_).dump() + "\n"); }

  const LadderPlan& plan_;
  const LadderOptions& options_;
  const LadderWorld& world_;
  double start_s_;
  std::uint64_t smallest_ = 0;
  Values variables_;
  LadderRecord record_;
};

}  // namespace

ShellResult run_in_shell(const std::string& command) {
  constexpr double no_limit_s = 1e9;
  SignalWatch signals;
  const ProcessResult r = run_process("/bin/sh", {"-c", command}, "", no_limit_s, signals);
  return {r.signal != 0 ? 128 + r.signal : r.exit_code, r.last_words, r.output, signals.received()};
}

LadderRecord climb(const LadderPlan& plan, const LadderOptions& options, const LadderWorld& world) {
  if (options.rows.empty()) fail_usage("--rows: give at least one size");
  fs::create_directories(options.folder);
  return Climb(plan, options, world).make();
}

LadderRecord load_ladder(const std::string& folder) {
  const std::string path = folder + "/" + ladder_file;
  try {
    return nlohmann::json::parse(read_text_file(path, largest_ladder_B)).get<LadderRecord>();
  } catch (const nlohmann::json::exception& e) {
    fail_input(path + " is not the record of a ladder: " + e.what());
  }
}

}  // namespace haywatt::experiment
