#include "haywatt/experiment/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "haywatt/codec/baler/operator_hooks.hpp"
#include "haywatt/codec/method.hpp"
#include "haywatt/trace/operator_recorder.hpp"
#include "haywatt/trace/peaks.hpp"

namespace haywatt::experiment {
namespace {

constexpr const char* outside = "outside operators";

bool estimated(const RunRecord& run) {
  return std::any_of(run.energy.begin(), run.energy.end(),
                     [](const EnergyFigure& e) { return e.known && e.sensor == "estimate"; });
}

std::vector<EnergyFigure> part_of(const std::vector<EnergyFigure>& energy, double share) {
  std::vector<EnergyFigure> parts = energy;
  for (EnergyFigure& e : parts) {
    e.joules = scaled(e.joules, share, "J");
    e.share = "phase";
  }
  return parts;
}

}  // namespace

void share_energy(ProfileRecord& record) {
  for (const PhaseRecord& phase : record.run.phases) {
    double cpu_s = 0.0;
    for (OperatorRecord& o : record.operators) {
      if (o.phase != phase.name) continue;
      cpu_s += o.cpu_s;
      if (phase.cpu_s > 0.0) o.energy = part_of(phase.energy, std::min(o.cpu_s / phase.cpu_s, 1.0));
    }
    const double rest_s = std::max(0.0, phase.cpu_s - cpu_s);
    if (rest_s <= 0.0) continue;
    OperatorRecord& rest = record.operators.emplace_back();
    rest.phase = phase.name;
    rest.name = outside;
    rest.wall_s = -1.0;
    rest.cpu_s = rest_s;
    rest.energy = part_of(phase.energy, rest_s / phase.cpu_s);
  }
  if (estimated(record.run))
    record.notes.emplace_back(
        "joules here are an estimate shared out by CPU time: within this run they rank operators as CPU seconds do and "
        "add nothing to them");
}

std::string sampled_batches(std::uint64_t batches, std::uint64_t seen) {
  if (seen >= batches) return {};
  return fmt::format("of {} batches of libtorch the operators of {} drawn at random were watched and stand for all",
                     batches, seen);
}

ProfileRecord profile_job(const WorkerJob& job) {
  ProfileRecord record;
  record.subject = job.method + " on " + job.data;
  record.by = "operators";
  record.machine = job.machine;
  // Training is libtorch's. What it takes to load it is no part of the run.
  std::string why;
  if (MethodSpec::parse(job.method).name == "baler") (void)baler::load_operator_hooks(why);
  trace::OperatorRecorder recorder;
  trace::OperatorTotals totals;
  baler::HookCost hooked;
  record.run = run_job(job, [&](bool begin) {
    if (begin) {
      recorder.start();
    } else {
      hooked = baler::stop_operator_hooks();
      totals = recorder.stop();
    }
  });
  record.operators = std::move(totals.operators);
  record.timeline = std::move(totals.timeline);
  record.timeline_left_out = totals.timeline_left_out;
  record.profiler_cpu_s = totals.recorder_cpu_s;
  if (const std::string note = sampled_batches(hooked.batches, hooked.batches_seen); !note.empty())
    record.notes.push_back(note);
  if (totals.lost > 0)
    record.notes.push_back(fmt::format("{} announcements of operators were lost for lack of room", totals.lost));
  share_energy(record);
  const trace::Peaks peaks = trace::measure_peaks(job.threads);
  record.compute_peaks = peaks.compute;
  record.memory_peaks = peaks.memory;
  return record;
}

StackProfile operator_stacks(const ProfileRecord& record) {
  StackProfile stacks;
  stacks.by = "operators";
  stacks.clock = "wall";
  stacks.period_s = 1e-6;
  std::map<std::string, std::uint32_t> frames;
  std::map<std::pair<std::int32_t, std::uint32_t>, std::int32_t> nodes;
  const auto child = [&](std::int32_t parent, const std::string& function, const char* module) {
    const auto [frame, fresh] = frames.try_emplace(function, static_cast<std::uint32_t>(stacks.frames.size()));
    if (fresh) stacks.frames.push_back({function, module, "", 0});
    const auto [node, added] =
        nodes.try_emplace({parent, frame->second}, static_cast<std::int32_t>(stacks.nodes.size()));
    if (added) stacks.nodes.push_back({parent, frame->second, 0, 0.0});
    return node->second;
  };
  for (const OperatorRecord& o : record.operators) {
    const double seconds = o.wall_s >= 0.0 ? o.wall_s : o.cpu_s;
    const auto samples = static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds) * 1e6));
    if (samples == 0) continue;
    std::int32_t node = child(-1, o.phase, "phase");
    if (!o.layer.empty()) node = child(node, o.layer, "layer");
    node = child(node, o.dtype.empty() ? o.name : o.name + " " + o.dtype, "operator");
    stacks.nodes[static_cast<std::size_t>(node)].samples += samples;
    stacks.nodes[static_cast<std::size_t>(node)].self_s += static_cast<double>(samples) * stacks.period_s;
    stacks.samples += samples;
  }
  return stacks;
}

}  // namespace haywatt::experiment
