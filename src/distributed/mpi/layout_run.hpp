/// One rank's part of a layout: its buffers, and its program executed.
#pragma once
#include <map>
#include <vector>

#include "distributed/mpi/channel.hpp"
#include "distributed/mpi/dense.hpp"

namespace haywatt::distributed {

class LayoutRun {
 public:
  /// `network` and `channel` must outlive it. `input`: all rows; ranks that get theirs by message do not look at it.
  LayoutRun(Layout layout, const DenseNetwork& network, Channel& channel, std::uint64_t rows,
            std::uint64_t micro_batches, const std::vector<float>& input);

  [[nodiscard]] Layout layout() const { return layout_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] Company company() const { return company_; }
  [[nodiscard]] const std::vector<Program>& programs() const { return programs_; }

  struct Cost {
    double time_s = 0.0, cpu_s = 0.0;  ///< from the common start to this rank's last step
  };
  /// All ranks call it.
  Cost run();
  /// Runs only the layers of this rank, without messages, and adds the mean seconds of each kind: a layer used again
  /// for the next micro-batch finds its weights where the first left them.
  void time_layers(std::map<LayerKey, std::vector<double>>& seconds);
  /// The result on rank 0, gathered where it lies elsewhere; all ranks call it.
  [[nodiscard]] std::vector<float> output();

 private:
  struct Activation {
    Range rows;
    std::uint64_t width = 0;
    std::vector<float> values;
    [[nodiscard]] float* row(std::uint64_t r) { return values.data() + (r - rows.begin) * width; }
  };
  void hold(std::uint32_t index, Range rows);
  void compute(const Step& step);
  [[nodiscard]] std::size_t bytes_of(const Step& step) {
    return step.rows.size() * held_.at(step.index).width * sizeof(float);
  }

  Layout layout_;
  const DenseNetwork& network_;
  Channel& channel_;
  std::uint64_t rows_;
  Company company_;
  std::vector<Program> programs_;
  const Program& mine_;
  std::map<std::uint32_t, Activation> held_;
  std::vector<float> partial_;  // of another rank, in an all-reduce
  char token_ = 0;
};

}  // namespace haywatt::distributed
