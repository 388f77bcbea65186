#include "haywatt/experiment/layouts.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/distributed/launch.hpp"
#include "haywatt/distributed/layouts_job.hpp"
#include "haywatt/meter/program_meter.hpp"
#include "haywatt/metrics/summary.hpp"

namespace haywatt::experiment {
namespace {

using distributed::JobNetwork;
using distributed::LayoutsJob;

// What Open MPI sends at once is a header shorter than its limits of 64 KiB (tcp) and 4 KiB (shared memory).
constexpr std::uint64_t eager_tcp_B = 65'400, eager_memory_B = 4'000;
constexpr std::uint64_t most_memory_B = std::uint64_t{1} << 40;

std::string network_name(const LayoutBandwidth& b, double latency_s) {
  const std::string base = b.shared_memory() ? "memory" : b.rate_bit_s > 0.0 ? b.name : "tcp";
  return latency_s > 0.0 ? fmt::format("{} + {:.4g} us", base, 1e6 * latency_s) : base;
}

void check(const LayoutsOptions& o) {
  if (o.ranks < 1 || o.ranks > 64) fail_usage(fmt::format("--ranks {}: write 1 to 64", o.ranks));
  if (o.repeats < 1) fail_usage("--repeats: at least 1");
  if (o.widths.empty() || o.batches.empty() || o.bandwidths.empty() || o.latencies_s.empty())
    fail_usage("widths, batches, bandwidths and latencies each need at least one value");
  for (const std::string& l : o.layouts) static_cast<void>(distributed::layout_named(l));
  const std::uint64_t batch = *std::max_element(o.batches.begin(), o.batches.end());
  for (const std::uint64_t w : o.widths) {
    const auto layers = distributed::wide_autoencoder(o.columns, o.latent, w);
    if (batch == 0 || batch > most_memory_B / (4 * 200 * w))
      fail_usage(fmt::format("a batch of {} rows at width {} does not fit in memory", batch, w));
    static_cast<void>(layers);
  }
}

/// A transport with the networks that are run on it.
struct Group {
  std::string transport;
  std::vector<JobNetwork> networks;
};

class Experiment {
 public:
  Experiment(const LayoutsOptions& options, const LayoutsWorld& world) : options_(options), world_(world) {
    check(options);
    programs_ = distributed::find_mpi();
    distributed::prepare_mpi_environment();
    record_.started = utc_now();
    record_.haywatt_version = world.haywatt_version;
    record_.machine = world.machine;
    record_.command = options.command;
    record_.ranks = options.ranks;
    record_.columns = options.columns;
    record_.latent = options.latent;
    record_.micro_batches = options.micro_batches;
    record_.waiting = options.spin ? "spin" : "sleep";
    if (options.before && !fits(*options.before))
      fail_usage(
          "--add: the record there was made on another machine, or with other ranks, columns, latent, "
          "micro-batches or way to wait");
    make_groups();
  }

  LayoutsRecord run() {
    const std::size_t total = options_.widths.size() * groups_.size();
    std::size_t done = 0;
    for (const std::uint64_t widen : options_.widths) {
      LayoutPart part;
      for (const Group& g : groups_) {
        world_.progress(static_cast<double>(done) / static_cast<double>(total),
                        fmt::format("{}/{} width {} over {}", done + 1, total, widen, g.transport));
        ++done;
        LayoutPart piece = run_group(widen, g);
        if (part.networks.empty()) {
          part = std::move(piece);
        } else {
          std::move(piece.networks.begin(), piece.networks.end(), std::back_inserter(part.networks));
        }
      }
      record_.parts.push_back(std::move(part));
    }
    keep_before();
    conclude(record_);
    record_.finished = utc_now();
    return std::move(record_);
  }

 private:
  [[nodiscard]] bool fits(const LayoutsRecord& r) const {
    return r.machine.id == record_.machine.id && r.ranks == record_.ranks && r.columns == record_.columns &&
           r.latent == record_.latent && r.micro_batches == record_.micro_batches && r.waiting == record_.waiting;
  }

  void make_groups() {
    Group memory{"memory", {}}, tcp{"loopback", {}};
    std::vector<std::string> limited;
    for (const LayoutBandwidth& b : options_.bandwidths)
      for (const double latency_s : options_.latencies_s)
        (b.shared_memory() ? memory : tcp).networks.push_back({network_name(b, latency_s), b.rate_bit_s, latency_s});
    if (!tcp.networks.empty()) {
      std::string why = "they join two ranks, and --ranks is not 2";
      if (options_.ranks == 2) namespaces_ = distributed::LinkedNamespaces::make(why);
      if (namespaces_) tcp.transport = "tcp";
      if (!namespaces_)
        note("no network namespaces, so TCP goes through the loopback device and no bandwidth can be limited: " + why);
      if (!namespaces_) std::erase_if(tcp.networks, [](const JobNetwork& n) { return n.rate_bit_s > 0.0; });
    }
    for (Group* g : {&memory, &tcp})
      if (!g->networks.empty()) groups_.push_back(std::move(*g));
    if (groups_.empty()) fail_unavailable("no network asked for is possible here: " + record_.notes.back());
  }

  /// Widths of the earlier record that were not run again.
  void keep_before() {
    if (!options_.before) return;
    for (const LayoutPart& part : options_.before->parts)
      if (std::find(options_.widths.begin(), options_.widths.end(), part.widen) == options_.widths.end())
        record_.parts.push_back(part);
    std::sort(record_.parts.begin(), record_.parts.end(),
              [](const LayoutPart& a, const LayoutPart& b) { return a.widen < b.widen; });
    record_.started = options_.before->started;
    record_.command = options_.before->command + "\n" + record_.command;
  }

  void note(const std::string& text) {
    log::warning(text);
    record_.notes.push_back(text);
  }

  LayoutPart run_group(std::uint64_t widen, const Group& group) {
    LayoutsJob job;
    job.columns = options_.columns;
    job.latent = options_.latent;
    job.widen = widen;
    job.micro_batches = options_.micro_batches;
    job.seed = options_.seed;
    job.batches = options_.batches;
    for (const std::string& l : options_.layouts) job.layouts.push_back(distributed::layout_named(l));
    if (job.layouts.empty()) job.layouts = distributed::all_layouts();
    job.networks = group.networks;
    job.transport = group.transport;
    if (group.transport == "tcp") job.devices = namespaces_->devices();
    job.eager_limit_B = group.transport == "memory" ? eager_memory_B : eager_tcp_B;
    job.repeats = options_.repeats;
    job.spin = options_.spin;

    const std::string base =
        fmt::format("{}/haywatt-layouts-{}", std::filesystem::temp_directory_path().string(), ::getpid());
    const std::string job_file = base + "-job.json", result_file = base + "-result.json";
    write_text_file(job_file, nlohmann::json(job).dump());
    meter::ProgramOptions o;
    const std::vector<std::string> arguments = {"layouts", job_file, result_file};
    o.command = group.transport == "tcp"
                    ? namespaces_->command(programs_, arguments)
                    : distributed::local_command(programs_, options_.ranks, group.transport == "loopback", arguments);
    o.streams = meter::ProgramOptions::Streams::Discard;
    o.workload = "layouts";  // not the command line: that holds paths of this machine
    const meter::ProgramResult result = meter::meter_program(world_.machine, o);
    ::unlink(job_file.c_str());
    if (result.exit_code != 0) {
      ::unlink(result_file.c_str());
      if (result.interrupted_by != 0) fail_system(fmt::format("interrupted by signal {}", result.interrupted_by));
      fail_system(fmt::format("width {} over {}: {}", widen, group.transport,
                              distributed::explain_mpirun(result.last_words, result.exit_code)));
    }
    LayoutPart part;
    nlohmann::json::parse(read_text_file(result_file)).get_to(part);
    ::unlink(result_file.c_str());
    part.joules_per_cpu_s = joules_per_cpu_s(result.run);
    return part;
  }

  /// The marginal energy of the metered run by its CPU seconds.
  static EnergyFigure joules_per_cpu_s(const RunRecord& run) {
    EnergyFigure best;
    best.known = false;
    best.note = "no energy is known";
    const metrics::EnergyBasis basis = metrics::choose_energy_basis(run);
    for (const EnergyFigure& e : run.energy)
      if (e.known && e.rule == "marginal" && e.share == "process-tree" && e.sensor == basis.sensor &&
          e.boundary == basis.boundary && e.tier == basis.tier && run.cpu_s > 0.0) {
        best = e;
        best.joules = scaled(e.joules, 1.0 / run.cpu_s, "J");
        break;
      }
    return best;
  }

  const LayoutsOptions& options_;
  const LayoutsWorld& world_;
  distributed::MpiPrograms programs_;
  std::unique_ptr<distributed::LinkedNamespaces> namespaces_;
  std::vector<Group> groups_;
  LayoutsRecord record_;
};

}  // namespace

LayoutBandwidth parse_bandwidth(const std::string& text) {
  if (text == "memory" || text == "none") return {text, 0.0};
  constexpr std::pair<std::string_view, double> units[] = {{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}};
  for (const auto& [unit, factor] : units) {
    if (!text.ends_with(unit)) continue;
    const auto value = parse_double(text.substr(0, text.size() - unit.size()));
    if (value && *value * factor >= 1e5 && *value * factor <= 1e12) return {text, *value * factor};
  }
  fail_usage("bandwidth '" + text + "': write memory, none, or a rate from 100kbit to 1000Gbit such as 1Gbit");
}

LayoutsRecord run_layouts(const LayoutsOptions& options, const LayoutsWorld& world) {
  return Experiment(options, world).run();
}

}  // namespace haywatt::experiment
