#include <fmt/format.h>

#include "haywatt/metrics/code_costs.hpp"
#include "haywatt/trace/stacks.hpp"

namespace haywatt::trace {
namespace {

std::string cell(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::string functions_to_csv(const StackProfile& stacks) {
  const double all_s = metrics::sampled_s(stacks);
  std::string out = "function,module,self_s,total_s,self_share,total_share,samples\r\n";
  for (const metrics::CodeCost& c : metrics::function_costs(stacks))
    out += fmt::format("{},{},{:.6g},{:.6g},{:.6g},{:.6g},{}\r\n", cell(c.function), cell(c.module), c.self_s,
                       c.total_s, c.self_s / all_s, c.total_s / all_s, c.samples);
  return out;
}

}  // namespace haywatt::trace
