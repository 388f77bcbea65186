/// `haywatt-mpi baler`: a trained project of Baler over the ranks of MPI_COMM_WORLD.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace haywatt::distributed {

/// Adds the command; the one that is parsed leaves in `action` what to do. All ranks do it.
void add_baler(CLI::App& app, std::function<void()>& action);

}  // namespace haywatt::distributed
