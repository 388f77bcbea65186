#include "codec/baler/settings.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::baler {
namespace {

constexpr double unlimited = std::numeric_limits<double>::max();
constexpr double most_steps = 1e9;

/// Reads the options of one spec; every complaint names the option.
class OptionReader {
 public:
  explicit OptionReader(const MethodSpec& spec) : spec_(spec) {}

  void number(const char* name, double low, double high, double& value) const {
    const std::string* text = find(name);
    if (text == nullptr) return;
    const auto parsed = parse_double(*text);
    if (!parsed || !(*parsed >= low) || !(*parsed <= high)) fail(name, *text, range_text(low, high));
    value = *parsed;
  }

  void whole(const char* name, double low, double high, int& value) const {
    double number_value = value;
    number(name, low, high, number_value);
    if (number_value != std::floor(number_value)) fail(name, *find(name), "must be a whole number");
    value = static_cast<int>(number_value);
  }

  void flag(const char* name, bool& value) const {
    const std::string* text = find(name);
    if (text == nullptr) return;
    if (*text != "on" && *text != "off") fail(name, *text, "must be on or off");
    value = *text == "on";
  }

  [[nodiscard]] const std::string* find(const char* name) const {
    const auto at = spec_.options.find(name);
    return at == spec_.options.end() ? nullptr : &at->second;
  }

  [[noreturn]] static void fail(const std::string& name, const std::string& text, const std::string& rule) {
    fail_usage("baler option " + name + "=" + text + ": " + rule);
  }

 private:
  static std::string range_text(double low, double high) {
    if (high == unlimited) return fmt::format("must be a number of at least {}", low);
    return fmt::format("must be a number from {} to {}", low, high);
  }

  const MethodSpec& spec_;
};

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
      {"lr_scheduler", "halve the learning rate on a plateau: on or off", "on"},
      {"lr_patience", "lr_scheduler_patience: epochs without improvement before that", "50"},
      {"dtype", "the network's float type: f8 or f4", "f8 (images: f4)"},
      {"seed", "of the initial weights (Baler leaves them to chance)", "0"},
  };
}

Settings parse_settings(const MethodSpec& spec) {
  const OptionReader read(spec);
  Settings settings;
  TrainConfig& train = settings.train;
  if (const std::string* config = read.find("config"); config != nullptr) {
    if (*config == "cms") {
      train.compression_ratio = 1.6;
      train.epochs = 25;
    } else if (*config != "default") {
      OptionReader::fail("config", *config, "must be default or cms");
    }
  }
  read.number("ratio", 0.01, 1e6, train.compression_ratio);
  read.whole("epochs", 1, most_steps, train.epochs);
  read.number("lr", 0.0, unlimited, train.lr);
  read.whole("batch", 1, most_steps, train.batch_size);
  read.number("test_size", 0.0, 0.99, train.test_size);
  read.flag("early_stopping", train.early_stopping);
  read.whole("patience", 1, most_steps, train.early_stopping_patience);
  read.number("min_delta", 0.0, unlimited, train.min_delta);
  read.flag("lr_scheduler", train.lr_scheduler);
  read.whole("lr_patience", 0, most_steps, train.lr_scheduler_patience);
  if (const std::string* type = read.find("dtype"); type != nullptr) {
    if (*type != "f8" && *type != "f4") OptionReader::fail("dtype", *type, "must be f8 or f4");
    settings.float32 = *type == "f4";
  }
  if (const std::string* seed = read.find("seed"); seed != nullptr) {
    const auto parsed = parse_u64(*seed);
    if (!parsed) OptionReader::fail("seed", *seed, "must be a whole number of at least 0");
    train.seed = *parsed;
  }
  return settings;
}

}  // namespace haywatt::baler
