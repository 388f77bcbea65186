#include "codec/baler/settings.hpp"

#include <limits>

#include "codec/options.hpp"

namespace haywatt::baler {
namespace {

constexpr std::int64_t most_steps = 1'000'000'000;
constexpr double most_ratio = 1e6;

bool flag(const MethodSpec& spec, const char* key, bool fallback) {
  return choice_option(spec, key, fallback ? "on" : "off", {"off", "on"}) == 1;
}

int count(const MethodSpec& spec, const char* key, int fallback, int low = 1) {
  return static_cast<int>(integer_option(spec, key, fallback, low, most_steps));
}

}  // namespace

std::vector<OptionInfo> describe_options() {
  return {
      {"config", "whose settings to start from: default (Baler's newProject) or cms (its CMS example)", "default"},
      {"ratio", "compression_ratio: the latent space has ceil(columns / ratio) values", "2.0 (cms: 1.6)"},
      {"epochs", "passes over the table while training", "5 (cms: 25)"},
      {"lr", "Adam's learning rate", "0.001"},
      {"batch", "batch_size: rows a training step", "512"},
      {"test_size", "share of the rows kept for validation", "0"},
      {"early_stopping", "on or off", "on"},
      {"patience", "early_stopping_patience: epochs without improvement before training stops", "100"},
      {"min_delta", "the least improvement that counts for early stopping", "0"},
      {"stop", "energy: stop when the next epoch is worth less than its joules; or off", "off"},
      {"joule_per_byte", "with stop=energy: what a byte less is worth", "4.1e-4 (ten years, two copies)"},
      {"lr_scheduler", "halve the learning rate on a plateau: on or off", "on"},
      {"lr_patience", "lr_scheduler_patience: epochs without improvement before that", "50"},
      {"dtype", "the network's float type: f8 or f4", "f8 (images: f4)"},
      {"train_threads", "threads to train with; 0: one for every 100 million multiply-adds of a batch", "0"},
      {"device", "to train on: cpu, cuda or cuda:N", "cpu"},
      {"seed", "of the initial weights (Baler leaves them to chance)", "0"},
  };
}

Settings parse_settings(const MethodSpec& spec) {
  Settings settings;
  TrainConfig& train = settings.train;
  if (choice_option(spec, "config", "default", {"default", "cms"}) == 1) {
    train.compression_ratio = 1.6;
    train.epochs = 25;
  }
  train.compression_ratio = number_option(spec, "ratio", train.compression_ratio, 0.01, most_ratio);
  train.epochs = count(spec, "epochs", train.epochs);
  train.lr = number_option(spec, "lr", train.lr, 0.0, 1e3);
  train.batch_size = count(spec, "batch", train.batch_size);
  train.test_size = number_option(spec, "test_size", train.test_size, 0.0, 0.99);
  train.early_stopping = flag(spec, "early_stopping", train.early_stopping);
  train.early_stopping_patience = count(spec, "patience", train.early_stopping_patience);
  train.min_delta = number_option(spec, "min_delta", train.min_delta, 0.0, std::numeric_limits<double>::max());
  settings.energy_stop = choice_option(spec, "stop", "off", {"off", "energy"}) == 1;
  train.energy_stop.joule_per_byte =
      number_option(spec, "joule_per_byte", default_joule_per_byte, 0.0, std::numeric_limits<double>::max());
  train.lr_scheduler = flag(spec, "lr_scheduler", train.lr_scheduler);
  train.lr_scheduler_patience = count(spec, "lr_patience", train.lr_scheduler_patience, 0);
  settings.train_threads = static_cast<int>(integer_option(spec, "train_threads", 0, 0, 1024));
  if (const auto it = spec.options.find("device"); it != spec.options.end()) train.device = it->second;
  if (spec.options.contains("dtype")) settings.float32 = choice_option(spec, "dtype", "f8", {"f8", "f4"}) == 1;
  train.seed = static_cast<std::uint64_t>(integer_option(spec, "seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
  return settings;
}

}  // namespace haywatt::baler
