/// Runs the cases of a GPU study one after another and reads NVML at the borders of each. Called by tools/gpu-study,
/// which plans the cases and writes the results; needs neither CUDA's headers nor libtorch's.
/// Usage: gpu_study --plan FILE --trace FILE.csv --device cuda [--nvml LIBRARY] [--rows N]
/// A line of the plan: id phase dtype batch layer warm_s window_s idle_s     (layer: -, encoder.0 …)
/// Prints a line of JSON a case. The trace: every 0.1 s the power, once a second the energy counter.
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/libtorch_baler.hpp"
#include "meter/sensors/nvml_library.hpp"

namespace {

using namespace haywatt;
using baler::Habits;
using baler::NetworkType;

constexpr std::uint32_t columns = 24, latent = 15;

double now_s() {
  static const auto start = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One GPU's counters; negative: not to be had.
class Board {
 public:
  Board(const std::string& library, unsigned index) : nvml_(meter::NvmlLibrary::load(library)) {
    if (nvml_ == nullptr || nvml_->start() != meter::nvml_success ||
        nvml_->device_by_index(index, &device_) != meter::nvml_success)
      fail_unavailable("gpu_study: NVML shows no GPU (" + library + ")");
    char text[96] = {};
    if (nvml_->device_name(device_, text, sizeof text) == meter::nvml_success) name_ = text;
  }
  [[nodiscard]] double energy_J() const {
    unsigned long long mJ = 0;
    if (nvml_->total_energy_mJ == nullptr || nvml_->total_energy_mJ(device_, &mJ) != meter::nvml_success) return -1.0;
    return static_cast<double>(mJ) * 1e-3;
  }
  /// The instant power (field 186), else what the driver calls usage.
  [[nodiscard]] double power_W() const {
    meter::NvmlFieldValue value;
    value.field = 186;
    if (nvml_->field_values != nullptr && nvml_->field_values(device_, 1, &value) == meter::nvml_success &&
        value.result == meter::nvml_success)
      return (value.type == 0 ? value.value.d : static_cast<double>(value.value.u)) * 1e-3;
    unsigned mW = 0;
    return nvml_->power_usage_mW(device_, &mW) == meter::nvml_success ? mW * 1e-3 : -1.0;
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::shared_ptr<meter::NvmlLibrary> nvml_;
  meter::NvmlDevice device_ = nullptr;
  std::string name_ = "unknown";
};

/// Writes the trace while it lives, and adds up power.
class Tracer {
 public:
  Tracer(const Board& board, const std::string& path) : board_(board), file_(path) {
    if (!file_) fail_system("gpu_study: cannot write " + path);
    file_ << "time_s,power_W,energy_J,case\n";
    thread_ = std::thread([this] { run(); });
  }
  ~Tracer() {
    stop_ = true;
    thread_.join();
  }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  void label(int id) { case_ = id; }  ///< -1: between windows

  /// Mean power between two moments; NaN without a sample.
  [[nodiscard]] double mean_W(double from_s, double to_s) const {
    const std::lock_guard lock(mutex_);
    double sum = 0.0;
    int count = 0;
    for (auto it = samples_.lower_bound(from_s); it != samples_.end() && it->first <= to_s; ++it, ++count)
      sum += it->second;
    return count == 0 ? std::nan("") : sum / count;
  }

 private:
  void run() {
    for (int i = 0; !stop_; ++i) {
      const double at = now_s();
      const double power = board_.power_W();
      {
        const std::lock_guard lock(mutex_);
        samples_[at] = power;
      }
      file_ << at << ',' << power << ',';
      // Read often, the counter falls short on some boards.
      if (i % 10 == 0) file_ << std::fixed << board_.energy_J() << std::defaultfloat;
      file_ << ',' << case_ << '\n';
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  const Board& board_;
  std::ofstream file_;
  mutable std::mutex mutex_;
  std::map<double, double> samples_;
  std::atomic<int> case_{-1};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Case {
  int id = 0;
  std::string phase, dtype, layer;
  std::uint64_t batch = 0;
  double warm_s = 0.0, window_s = 0.0, idle_s = 0.0;
};

std::vector<Case> read_plan(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail_system("gpu_study: cannot read " + path);
  std::vector<Case> plan;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Case c;
    if (!(words >> c.id >> c.phase >> c.dtype >> c.batch >> c.layer >> c.warm_s >> c.window_s >> c.idle_s))
      fail_input("gpu_study: " + path + ": not a case: " + line);
    plan.push_back(c);
  }
  return plan;
}

/// Uniform in [-1, 1), the same on every machine.
class Noise {
 public:
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) * 0x1p-52 - 1.0;
  }

 private:
  std::uint64_t state_ = 1;
};

/// What each case runs over and over.
class Work {
 public:
  Work(const baler::LibtorchBaler& torch, std::string device, std::uint64_t rows)
      : torch_(torch), device_(std::move(device)), rows_(rows), model_(baler::make_model(columns, latent, false)) {
    Noise noise;
    for (std::uint64_t i = 0; i < rows * columns; ++i) table_.push_back(static_cast<float>(noise.next()));
    for (auto* half : {&model_.encoder, &model_.decoder})
      for (baler::Linear& l : *half) {
        const double reach = 1.0 / std::sqrt(static_cast<double>(l.inputs));
        for (double& w : l.weight) w = reach * noise.next();
        for (double& b : l.bias) b = reach * noise.next();
      }
    Habits plain;
    latents_ = torch_.compress(view(), model_, plain, ranges_, {});
  }

  /// Runs for about `seconds`; returns the rows done.
  std::uint64_t run(const Case& c, double seconds, std::map<std::string, double>& phases) const {
    const Habits habits = habits_of(c);
    if (c.phase == "layer")
      return c.batch * torch_.repeat_layer(layer(c.layer), is_activated(c.layer), c.batch, habits, seconds);
    double begun = 0.0;
    const baler::PhaseHook hook = [&](const char* phase, bool begin) {
      if (begin)
        begun = now_s();
      else
        phases[phase] += now_s() - begun;
    };
    std::uint64_t done = 0;
    for (const double start = now_s(); now_s() - start < seconds; done += rows_) once(c, habits, hook);
    return done;
  }

 private:
  [[nodiscard]] baler::ArrayView view() const { return {table_.data(), nullptr, rows_, columns}; }

  [[nodiscard]] Habits habits_of(const Case& c) const {
    Habits h;
    h.device = device_;
    h.batch_size = c.batch;
    h.tensor_loops = true;
    h.type = c.dtype == "f64" ? NetworkType::Float64 : c.dtype == "f32" ? NetworkType::Float32 : NetworkType::BFloat16;
    // Only autograd trains in bfloat16.
    h.autograd = c.phase == "train" && h.type == NetworkType::BFloat16;
    return h;
  }

  [[nodiscard]] const baler::Linear& layer(const std::string& name) const {
    return (name.starts_with("encoder") ? model_.encoder : model_.decoder)
        .at(static_cast<std::size_t>(name.back() - '0'));
  }
  static bool is_activated(const std::string& name) { return name.back() != '3'; }

  void once(const Case& c, const Habits& habits, const baler::PhaseHook& hook) const {
    baler::Ranges ranges;
    if (c.phase == "train") {
      baler::TrainConfig config;
      config.epochs = 1;
      config.initial = &model_;
      (void)torch_.train(view(), config, habits, ranges, hook, {});
    } else if (c.phase == "compress") {
      (void)torch_.compress(view(), model_, habits, ranges, hook);
    } else if (c.phase == "decompress") {
      (void)torch_.decompress({nullptr, latents_.f8.data(), latents_.rows, latents_.columns}, model_, ranges_, habits,
                              hook);
    } else {
      fail_input("gpu_study: no such phase: " + c.phase);
    }
  }

  const baler::LibtorchBaler& torch_;
  std::string device_;
  std::uint64_t rows_;
  baler::Model model_;
  std::vector<float> table_;
  baler::NetworkOutput latents_;
  baler::Ranges ranges_;
};

void print_number(const char* name, double value) {
  if (std::isfinite(value) && value >= 0.0)
    std::printf(", \"%s\": %.9g", name, value);
  else
    std::printf(", \"%s\": null", name);
}

void run_case(const Case& c, const Work& work, const Board& board, Tracer& trace) {
  std::map<std::string, double> phases;
  if (c.warm_s > 0.0) (void)work.run(c, c.warm_s, phases);
  phases.clear();
  trace.label(c.id);
  const double before_J = board.energy_J(), start_s = now_s();
  const std::uint64_t rows = work.run(c, c.window_s, phases);
  const double end_s = now_s(), after_J = board.energy_J();
  trace.label(-1);
  std::this_thread::sleep_for(std::chrono::duration<double>(c.idle_s));
  std::printf("{\"id\": %d, \"phase\": \"%s\", \"dtype\": \"%s\", \"batch\": %llu, \"layer\": \"%s\", \"rows\": %llu",
              c.id, c.phase.c_str(), c.dtype.c_str(), static_cast<unsigned long long>(c.batch), c.layer.c_str(),
              static_cast<unsigned long long>(rows));
  print_number("start_s", start_s);
  print_number("window_s", end_s - start_s);
  print_number("energy_J", before_J < 0.0 || after_J < 0.0 ? -1.0 : after_J - before_J);
  print_number("power_W", trace.mean_W(start_s, end_s));
  // The second half of the pause: by then the power has come down.
  print_number("idle_W", trace.mean_W(end_s + 0.5 * c.idle_s, now_s()));
  std::printf(", \"phases_s\": {");
  const char* between = "";
  for (const auto& [phase, seconds] : phases) {
    std::printf("%s\"%s\": %.9g", between, phase.c_str(), seconds);
    between = ", ";
  }
  std::printf("}}\n");
  std::fflush(stdout);
}

int run(const std::map<std::string, std::string>& options) {
  const auto option = [&](const char* name, const char* fallback) {
    const auto it = options.find(name);
    return it == options.end() ? std::string(fallback) : it->second;
  };
  const std::string device = option("--device", "cuda");
  std::uint64_t rows = 200000;
  if (const std::string text = option("--rows", ""); !text.empty())
    std::from_chars(text.data(), text.data() + text.size(), rows);
  std::string why;
  const baler::LibtorchBaler* torch = baler::load_libtorch_baler(why);
  if (torch == nullptr) fail_unavailable(why);
  const unsigned index = device.size() > 5 ? static_cast<unsigned>(device.back() - '0') : 0;
  const Board board(option("--nvml", "libnvidia-ml.so.1"), index);
  const std::vector<Case> plan = read_plan(option("--plan", "plan.txt"));
  const Work work(*torch, device, rows);
  std::printf("{\"gpu\": \"%s\", \"library\": \"%s\", \"device\": \"%s\", \"rows\": %llu}\n", board.name().c_str(),
              torch->library().c_str(), device.c_str(), static_cast<unsigned long long>(rows));
  Tracer trace(board, option("--trace", "nvml.csv"));
  for (const Case& c : plan) run_case(c, work, board, trace);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::map<std::string, std::string> options;
    for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
    return run(options);
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return e.exit_code();
  } catch (const std::exception& e) {
    std::cerr << "gpu_study: " << e.what() << "\n";
    return 4;
  }
}
