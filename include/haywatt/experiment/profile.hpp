/// Profiles of methods: which operator of which layer costs what.
#pragma once
#include <string>
#include <vector>

#include "haywatt/experiment/worker.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt::experiment {

/// Runs the job as a study would, listening to operators, and measures the machine's peaks afterwards. The job's
/// `machine` must be filled in. A run that fails gives what was seen, with run.status "failed". Once per process: one
/// recorder listens at a time.
[[nodiscard]] ProfileRecord profile_job(const WorkerJob& job);

/// What to keep in mind if not all batches were watched; empty if they were.
[[nodiscard]] std::string sampled_batches(std::uint64_t batches, std::uint64_t seen);

/// Gives each operator its part of its phase's energy, by CPU time, and adds a row "outside operators" to each phase,
/// so that rows add up to the run. `operators` are the record's, without energy; `record.run` is filled in.
void share_energy(ProfileRecord& record);

/// The operators as a call tree phase > layer > operator weighted with own wall time (microseconds as samples), for
/// flame graphs and their formats.
[[nodiscard]] StackProfile operator_stacks(const ProfileRecord& record);

}  // namespace haywatt::experiment
