// haywatt-mpi: what haywatt does under mpirun. A program of its own, so that haywatt needs no MPI.
#include <mpi.h>
#include <sched.h>

#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "distributed/mpi/layouts_worker.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"

namespace {

using haywatt::Error;
using haywatt::ErrorKind;

constexpr const char* usage =
    "usage: mpirun -n RANKS haywatt-mpi layouts JOB.json RESULT.json\n"
    "\n"
    "Started by 'haywatt layouts' (docs/layouts.md).\n";

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

int layouts(const std::vector<std::string>& arguments, int rank) {
  if (arguments.size() != 3) haywatt::fail_usage("layouts needs a job and a result file");
  haywatt::distributed::LayoutsJob job;
  nlohmann::json::parse(haywatt::read_text_file(arguments[1])).get_to(job);
  keep_to_one_cpu(rank);
  const haywatt::LayoutPart part = haywatt::distributed::run_layouts(job);
  if (rank == 0) haywatt::write_text_file(arguments[2], nlohmann::json(part).dump() + "\n");
  return 0;
}

int run(const std::vector<std::string>& arguments, int rank) {
  if (!arguments.empty() && arguments[0] == "layouts") return layouts(arguments, rank);
  if (rank == 0) std::fputs(usage, arguments.empty() || arguments[0] != "--help" ? stderr : stdout);
  return arguments.size() == 1 && arguments[0] == "--help" ? 0 : static_cast<int>(ErrorKind::Usage);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, code = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::string message;
  try {
    code = run({argv + 1, argv + argc}, rank);
  } catch (const Error& e) {
    message = e.what();
    code = e.exit_code();
  } catch (const std::bad_alloc&) {
    message = "out of memory: try a smaller batch or width";
    code = static_cast<int>(ErrorKind::System);
  } catch (const std::exception& e) {
    message = e.what();
    code = static_cast<int>(ErrorKind::System);
  }
  if (!message.empty()) {
    std::fprintf(stderr, "haywatt-mpi: %s\n", message.c_str());
    std::fflush(stderr);
    // The other ranks may be waiting for this one.
    MPI_Abort(MPI_COMM_WORLD, code);
  }
  MPI_Finalize();
  return code;
}
