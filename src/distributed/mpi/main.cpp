// haywatt-mpi: what haywatt does under mpirun. A program of its own, so that haywatt needs no MPI.
#include <mpi.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "distributed/mpi/baler_ranks.hpp"
#include "distributed/mpi/layouts_worker.hpp"
#include "distributed/mpi/mpi_team.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/phase_marks.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/pipeline.hpp"
#include "haywatt_version.hpp"

namespace {

using namespace haywatt;

struct Arguments {
  std::string job, result;                                    // layouts
  std::string input, output, method = "zstd", memory = "1G";  // compress
  std::vector<std::string> bounds;
  bool force = false;
};

/// Each rank keeps to a CPU of its own where there are enough. mpirun cannot do it: to its daemons, ranks in different
/// network namespaces are on different machines.
void keep_to_one_cpu(int rank) {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  cpu_set_t allowed, own;
  CPU_ZERO(&own);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < ranks) return;
  for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed) && seen++ == rank) CPU_SET(cpu, &own);
  ::sched_setaffinity(0, sizeof own, &own);
}

void layouts(const Arguments& a, int rank) {
  distributed::LayoutsJob job;
  nlohmann::json::parse(read_text_file(a.job)).get_to(job);
  keep_to_one_cpu(rank);
  const LayoutPart part = distributed::run_layouts(job);
  if (rank == 0) write_text_file(a.result, nlohmann::json(part).dump() + "\n");
}

void compress(const Arguments& a, int rank) {
  distributed::MpiTeam team;
  CompressOptions options;
  options.method = MethodSpec::parse(a.method);
  for (const std::string& b : a.bounds) options.bounds.push_back(parse_bound_rule(b));
  const auto memory = parse_size(a.memory);
  if (!memory || *memory < (std::uint64_t{1} << 20))
    fail_usage("--memory '" + a.memory + "': write a size of at least 1M, such as 512M");
  options.memory_bytes = *memory;
  options.existing = a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
  options.team = &team;
  const auto reader = open_table(a.input, {*memory / 4});
  const CompressOutcome o = compress_table(*reader, a.output, options);
  if (rank == 0)
    std::printf("%s: %s -> %s by %d ranks\n", a.output.c_str(), si(static_cast<double>(o.raw_bytes), "B").c_str(),
                si(static_cast<double>(o.file_bytes), "B").c_str(), team.members());
}

int run(int argc, char** argv, int rank) {
  CLI::App app{"What haywatt does over the ranks of MPI; start it with mpirun.", "haywatt-mpi"};
  app.set_version_flag("--version", std::string("haywatt-mpi ") + version);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  mpirun -n 2 haywatt-mpi compress jets.npz -o jets.hay --bound range:1e-3\n"
      "  mpirun -n 2 haywatt-mpi baler compress cms.hayb jets.npz -o compressed.npz");
  Arguments a;
  CLI::App* c = app.add_subcommand(
      "compress",
      "Compress a table into the file that 'haywatt compress' writes, its chunks shared out over the ranks");
  c->add_option("IN", a.input, "Table to read: .npz, .npy, .csv, .csv.gz; every rank must see it")->required();
  c->add_option("-o,--output", a.output, "File to write")->required()->type_name("OUT.hay");
  c->add_option("--bound", a.bounds, "Error bound as in 'haywatt compress'; default: lossless")
      ->type_name("BOUND")
      ->take_all();
  c->add_option("--method", a.method, "Method and its options; every rank prepares it")
      ->capture_default_str()
      ->type_name("NAME");
  c->add_option("--memory", a.memory, "Memory for a rank to stay within, roughly")
      ->capture_default_str()
      ->type_name("SIZE");
  c->add_flag("--force", a.force, "Replace OUT.hay if it exists");
  CLI::App* l = app.add_subcommand("layouts", "What 'haywatt layouts' starts: runs a job (docs/layouts.md)");
  l->add_option("JOB", a.job)->required();
  l->add_option("RESULT", a.result)->required();
  std::function<void()> baler;
  distributed::add_baler(app, baler);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return rank == 0 ? app.exit(e) : 0;
  } catch (const CLI::ParseError& e) {
    if (rank == 0) std::fprintf(stderr, "haywatt-mpi: %s (see 'haywatt-mpi --help')\n", e.what());
    return static_cast<int>(ErrorKind::Usage);
  }
  if (c->parsed()) compress(a, rank);
  if (l->parsed()) layouts(a, rank);
  if (baler) baler();
  return 0;
}

/// An error that all ranks meet is told once: the others leave the word to rank 0 for a moment.
void tell(const std::string& message, int rank) {
  if (rank != 0) {
    constexpr timespec moment = {2, 0};
    ::nanosleep(&moment, nullptr);
  }
  std::fprintf(stderr, "haywatt-mpi: %s\n", message.c_str());
  std::fflush(stderr);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  announce_phases_to_meter();
  int rank = 0, code = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::string message;
  try {
    code = run(argc, argv, rank);
  } catch (const Error& e) {
    message = e.what();
    code = e.exit_code();
  } catch (const std::bad_alloc&) {
    message = "out of memory: try a smaller batch or width";
    code = static_cast<int>(ErrorKind::System);
  } catch (const std::exception& e) {
    message = std::string("internal error: ") + e.what();
    code = static_cast<int>(ErrorKind::System);
  }
  if (!message.empty()) {
    tell(message, rank);
    // The other ranks may be waiting for this one.
    MPI_Abort(MPI_COMM_WORLD, code);
  }
  MPI_Finalize();
  return code;
}
