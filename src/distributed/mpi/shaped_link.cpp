#include "distributed/mpi/shaped_link.hpp"

#include <fmt/format.h>

#include <vector>

#include "distributed/spawn.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::distributed {

void limit_rate(const std::string& device, double rate_bit_s, std::uint64_t burst_B) {
  // "replace" by a plain queue takes a limit off whether or not there is one.
  std::vector<std::string> words = {"tc", "qdisc", "replace", "dev", device, "root"};
  const std::vector<std::string> rest = rate_bit_s > 0.0
                                            // The queue behind the bucket is long enough that nothing is dropped.
                                            ? std::vector<std::string>{"tbf",
                                                                       "rate",
                                                                       fmt::format("{:.0f}bit", rate_bit_s),
                                                                       "burst",
                                                                       std::to_string(burst_B),
                                                                       "limit",
                                                                       "67108864"}
                                            : std::vector<std::string>{"pfifo", "limit", "100000"};
  words.insert(words.end(), rest.begin(), rest.end());
  if (const int code = run_program(words, false); code != 0)
    fail_system(fmt::format("tc cannot limit {} to {:.3g} bit/s (exit code {}; tc is in Debian's iproute2)", device,
                            rate_bit_s, code));
}

}  // namespace haywatt::distributed
