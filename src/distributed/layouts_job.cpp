#include "haywatt/distributed/layouts_job.hpp"

#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"

namespace haywatt::distributed {

using nlohmann::json;

void to_json(json& j, const LayoutsJob& job) {
  json layouts = json::array(), networks = json::array();
  for (const Layout l : job.layouts) layouts.push_back(name(l));
  for (const JobNetwork& n : job.networks)
    networks.push_back({{"name", n.name}, {"rate_bit_s", n.rate_bit_s}, {"latency_s", n.latency_s}});
  j = {{"columns", job.columns},
       {"latent", job.latent},
       {"widen", job.widen},
       {"micro_batches", job.micro_batches},
       {"seed", job.seed},
       {"batches", job.batches},
       {"layouts", std::move(layouts)},
       {"networks", std::move(networks)},
       {"transport", job.transport},
       {"devices", job.devices},
       {"burst_B", job.burst_B},
       {"eager_limit_B", job.eager_limit_B},
       {"repeats", job.repeats},
       {"spin", job.spin}};
}

void from_json(const json& j, LayoutsJob& job) {
  job = LayoutsJob{};
  try {
    j.at("columns").get_to(job.columns);
    j.at("latent").get_to(job.latent);
    j.at("widen").get_to(job.widen);
    j.at("micro_batches").get_to(job.micro_batches);
    j.at("seed").get_to(job.seed);
    j.at("batches").get_to(job.batches);
    for (const json& l : j.at("layouts")) job.layouts.push_back(layout_named(l.get<std::string>()));
    for (const json& n : j.at("networks"))
      job.networks.push_back(
          {n.at("name").get<std::string>(), n.at("rate_bit_s").get<double>(), n.at("latency_s").get<double>()});
    j.at("transport").get_to(job.transport);
    j.at("devices").get_to(job.devices);
    j.at("burst_B").get_to(job.burst_B);
    j.at("eager_limit_B").get_to(job.eager_limit_B);
    j.at("repeats").get_to(job.repeats);
    j.at("spin").get_to(job.spin);
  } catch (const json::exception& e) {
    fail_usage(std::string("the job of haywatt-mpi cannot be read: ") + e.what());
  }
  if (job.batches.empty() || job.layouts.empty() || job.networks.empty() || job.repeats < 1)
    fail_usage("the job of haywatt-mpi has no batch, layout, network or repeat");
}

}  // namespace haywatt::distributed
