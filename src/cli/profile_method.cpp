#include "cli/profile_method.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/method.hpp"
#include "haywatt/data/bound.hpp"
#include "haywatt/data/table_io.hpp"
#include "haywatt/experiment/profile.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

std::string scratch_file() {
  const char* folder = std::getenv("TMPDIR");
  return fmt::format("{}/haywatt-profile-{}.hay", folder != nullptr && *folder != '\0' ? folder : "/tmp", ::getpid());
}

}  // namespace

ProfileRecord profile_method(const ProfileMethodArguments& a) {
  experiment::WorkerJob job;
  const MethodSpec spec = MethodSpec::parse(a.method);
  const Method& method = find_method(spec.name);
  if (const std::string why = method.unavailable_reason(); !why.empty()) fail_unavailable(why);
  const auto memory = parse_size(a.memory);
  if (!memory || *memory < (std::uint64_t{1} << 20))
    fail_usage("--memory '" + a.memory + "': write a size of at least 1M, such as 512M");
  (void)open_table(a.data, {*memory / 4});  // what is wrong with it is told before anything is measured
  job.id = fmt::format("profile-{}", ::getpid());
  job.method = spec.text();
  job.rules = a.bounds;
  if (job.rules.empty()) job.rules = {spec.name == "baler" ? "*=none" : "*=lossless"};
  for (const std::string& rule : job.rules) (void)parse_bound_rule(rule);
  for (const std::string& rule : job.rules) job.bound += (job.bound.empty() ? "" : ", ") + rule;
  job.label = job.method + ", " + job.bound;
  job.data = a.data;
  job.threads = a.threads;
  job.memory_B = *memory;
  job.output = scratch_file();
  job.machine = describe_machine();
  job.estimate = a.estimate;
  ProfileRecord record = experiment::profile_job(job);
  record.haywatt_version = version;
  return record;
}

}  // namespace haywatt::cli
