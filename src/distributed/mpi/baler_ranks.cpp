#include "distributed/mpi/baler_ranks.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "distributed/mpi/mpi_team.hpp"
#include "distributed/mpi/split_network.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/baler/project_files.hpp"

namespace haywatt::distributed {
namespace {

struct Arguments {
  std::string model, input, output, layout = "rows", wait = "spin";
  std::uint64_t micro_batch = 1024;
  bool as_baler = false, force = false;
};

baler::ProjectOutcome run_files(const baler::ProjectModel& model, const Arguments& a,
                                const baler::ProjectOptions& options, bool compress) {
  return compress ? baler::compress_project(model, a.input, a.output, options)
                  : baler::decompress_project(model, a.input, a.output, options);
}

/// Rank 0 reads and writes, the others hold their part of the network.
baler::ProjectOutcome run_split(const baler::ProjectModel& model, const Arguments& a, baler::ProjectOptions options,
                                bool compress) {
  const auto layers = baler::dense_layers(compress ? model.encoder : model.decoder);
  if (!layers)
    fail_usage(a.model + " has other than dense layers, which --layout " + a.layout +
               " cannot share out: take --layout rows");
  Channel channel(MPI_COMM_WORLD, a.wait == "spin" ? Waiting::Spin : Waiting::Sleep);
  const auto network =
      make_split_network(*layers, baler::own_arithmetic(model),
                         a.layout == "tensor" ? Layout::Tensor : Layout::Pipeline, a.micro_batch, channel);
  if (channel.rank() != 0) {
    network->serve();
    return {};
  }
  options.network = [&](const baler::ConstRows& x, const baler::MutableRows& y) { network->run(x, y); };
  baler::ProjectOutcome outcome = run_files(model, a, options, compress);
  network->release();
  return outcome;
}

void run(const Arguments& a, bool compress) {
  MpiTeam team;
  const baler::ProjectModel model = baler::read_hayb(a.model);
  if (!team.agree(xxh3_of_file(a.model)))
    fail_input(a.model + " is not the same file for all ranks: give one that all of them see");
  baler::ProjectOptions options;
  options.as_baler = a.as_baler;
  options.existing = a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
  baler::ProjectOutcome o;
  if (a.layout == "rows") {
    options.team = &team;
    o = run_files(model, a, options, compress);
  } else {
    o = run_split(model, a, options, compress);
  }
  if (team.member() != 0) return;
  for (const std::string& note : o.notes) log::warning(note);
  fmt::print("{}: {} rows, {} -> {} by {} ranks ({})\n", a.output, o.rows, si(static_cast<double>(o.input_bytes), "B"),
             si(static_cast<double>(o.file_bytes + o.correction_bytes), "B"), team.members(), a.layout);
}

void add_files(CLI::App& baler, std::function<void()>& action, bool compress) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      baler.add_subcommand(compress ? "compress" : "decompress",
                           compress ? "Encode a table to Baler's compressed.npz, as 'haywatt baler compress' does"
                                    : "Decode Baler's compressed.npz, as 'haywatt baler decompress' does");
  c->add_option("MODEL", a->model, "Imported project (.hayb); every rank must see it")->required();
  c->add_option("IN", a->input, "File to read; with --layout rows every rank must see it")
      ->required()
      ->type_name("IN.npz");
  c->add_option("-o,--output", a->output, "File that rank 0 writes")->required()->type_name("OUT.npz");
  c->add_option("--layout", a->layout,
                "rows: each rank has its chunks of rows; pipeline: its layers; tensor: its slice of every layer")
      ->check(CLI::IsMember({"rows", "pipeline", "tensor"}))
      ->capture_default_str()
      ->type_name("NAME");
  c->add_option("--micro-batch", a->micro_batch, "Rows that go from rank to rank together (pipeline, tensor)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 20))
      ->capture_default_str()
      ->type_name("N");
  c->add_option("--wait", a->wait, "How a rank waits for another's part (pipeline, tensor): spin or sleep")
      ->check(CLI::IsMember({"spin", "sleep"}))
      ->capture_default_str()
      ->type_name("HOW");
  c->add_flag("--as-baler", a->as_baler, "As in 'haywatt baler'");
  c->add_flag("--force", a->force, "Replace OUT.npz if it exists");
  c->footer(compress ? "Examples:\n  mpirun -n 2 haywatt-mpi baler compress cms.hayb jets.npz -o compressed.npz"
                     : "Examples:\n  mpirun -n 2 haywatt-mpi baler decompress cms.hayb compressed.npz -o "
                       "decompressed.npz --layout pipeline");
  c->callback([a, compress, &action] { action = [a, compress] { run(*a, compress); }; });
}

}  // namespace

void add_baler(CLI::App& app, std::function<void()>& action) {
  CLI::App* baler = app.add_subcommand("baler", "Run a trained project of Baler over the ranks (docs/layouts.md)");
  baler->require_subcommand(1);
  add_files(*baler, action, true);
  add_files(*baler, action, false);
}

}  // namespace haywatt::distributed
