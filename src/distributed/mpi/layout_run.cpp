#include "distributed/mpi/layout_run.hpp"

#include <algorithm>
#include <cmath>
#include <list>
#include <utility>

#include "distributed/mpi/all_reduce.hpp"

namespace haywatt::distributed {

LayoutRun::LayoutRun(Layout layout, const DenseNetwork& network, Channel& channel, std::uint64_t rows,
                     std::uint64_t micro_batches, const std::vector<float>& input)
    : layout_(layout),
      network_(network),
      channel_(channel),
      rows_(rows),
      company_(company_of(layout, rows, micro_batches)),
      programs_(schedule(layout, network.shapes(), channel.ranks(), rows, micro_batches)),
      mine_(programs_[channel.rank()]) {
  for (const Step& s : mine_) {
    if (s.kind == StepKind::Layer) {
      hold(s.index, s.rows);
      hold(s.index + 1, s.rows);
    } else if (s.rows.size() > 0) {
      hold(s.kind == StepKind::Finish ? s.index + 1 : s.index, s.rows);
    }
    if (s.kind == StepKind::AllReduce)
      partial_.resize(std::max<std::size_t>(partial_.size(), s.rows.size() * network.shapes()[s.index - 1].outputs));
  }
  for (auto& [index, a] : held_) {
    a.width = activation_width(mine_, network.shapes(), index);
    // What no message and no layer fills shows in the result.
    a.values.assign(a.rows.size() * a.width, NAN);
  }
  const bool has_input = channel.rank() == 0 || layout == Layout::Shards;
  if (const auto it = held_.find(0); has_input && it != held_.end()) {
    Activation& a = it->second;
    std::copy_n(input.data() + a.rows.begin * a.width, a.values.size(), a.values.data());
  }
}

void LayoutRun::hold(std::uint32_t index, Range rows) {
  Activation& a = held_.try_emplace(index, Activation{rows, 0, {}}).first->second;
  a.rows = {std::min(a.rows.begin, rows.begin), std::max(a.rows.end, rows.end)};
}

void LayoutRun::compute(const Step& s) {
  Activation& y = held_.at(s.index + 1);
  if (s.kind == StepKind::Finish) return network_.finish(s.index, s.outputs, s.rows.size(), y.row(s.rows.begin));
  network_.layer(s.index, s.inputs, s.outputs, s.rows.size(), held_.at(s.index).row(s.rows.begin), y.row(s.rows.begin));
}

LayoutRun::Cost LayoutRun::run() {
  std::list<Transfer> posted, left_to_wait_for;
  const auto start_receive = [&](const Step& s, Transfer& t) {
    if (s.rows.size() == 0) return channel_.receive(s.peer, static_cast<int>(s.index), &token_, 1, t);
    channel_.receive(s.peer, static_cast<int>(s.index), held_.at(s.index).row(s.rows.begin), bytes_of(s), t);
  };
  for (const Step& s : mine_)
    if (s.kind == StepKind::Receive && !s.waits) start_receive(s, posted.emplace_back());

  const double start_s = channel_.agree_on_start();
  spin_until(start_s);
  const double cpu_before_s = cpu_now_s();
  for (const Step& s : mine_) {
    switch (s.kind) {
      case StepKind::Layer:
      case StepKind::Finish:
        compute(s);
        break;
      case StepKind::AllReduce:
        all_reduce(channel_, static_cast<int>(s.index), held_.at(s.index).row(s.rows.begin),
                   s.rows.size() * held_.at(s.index).width, partial_);
        break;
      case StepKind::Send: {
        Transfer& t = left_to_wait_for.emplace_back();
        if (s.rows.size() == 0)
          channel_.send(s.peer, static_cast<int>(s.index), &token_, 1, t);
        else
          channel_.send(s.peer, static_cast<int>(s.index), held_.at(s.index).row(s.rows.begin), bytes_of(s), t);
        if (s.waits) {
          channel_.wait(t);
          left_to_wait_for.pop_back();
        }
        break;
      }
      case StepKind::Receive: {
        if (!s.waits) {
          channel_.wait(posted.front());
          posted.pop_front();
          break;
        }
        Transfer t;
        start_receive(s, t);
        channel_.wait(t);
        break;
      }
    }
  }
  for (Transfer& t : left_to_wait_for) channel_.wait(t);
  const Cost cost{now_s() - start_s, cpu_now_s() - cpu_before_s};
  channel_.meet();
  return cost;
}

namespace {

/// What asking the time costs, which is a part of a layer of a microsecond.
double asking_time_s() {
  constexpr int questions = 1000;
  const double start_s = now_s();
  for (int i = 1; i < questions; ++i) static_cast<void>(now_s());
  return (now_s() - start_s) / questions;
}

}  // namespace

void LayoutRun::time_layers(std::map<LayerKey, std::vector<double>>& seconds) {
  static const double asking_s = asking_time_s();
  std::map<LayerKey, std::pair<double, int>> sums;
  const double start_s = channel_.agree_on_start();
  spin_until(start_s);
  for (int r = 0; company_ == Company::Turns && r < channel_.rank(); ++r) channel_.meet();
  for (const Step& s : mine_) {
    if (s.kind != StepKind::Layer && s.kind != StepKind::Finish) continue;
    const double before_s = now_s();
    compute(s);
    auto& [sum_s, count] = sums[key_of(s, company_)];
    sum_s += std::max(0.0, now_s() - before_s - asking_s);
    ++count;
  }
  for (int r = channel_.rank(); company_ == Company::Turns && r < channel_.ranks(); ++r) channel_.meet();
  for (const auto& [key, sum] : sums) seconds[key].push_back(sum.first / sum.second);
  channel_.meet();
}

std::vector<float> LayoutRun::output() {
  const auto last = static_cast<std::uint32_t>(network_.shapes().size());
  const std::uint64_t width = network_.shapes().back().outputs;
  std::vector<float> all;
  if (channel_.rank() == 0) all.assign(rows_ * width, NAN);
  if (const auto it = held_.find(last); channel_.rank() == 0 && it != held_.end())
    std::copy(it->second.values.begin(), it->second.values.end(), all.begin() + it->second.rows.begin * width);
  for (int r = 1; layout_ == Layout::Shards && r < channel_.ranks(); ++r) {
    const Range part = part_of(rows_, channel_.ranks(), r);
    if (part.size() == 0) continue;
    Transfer t;
    if (channel_.rank() == r) {
      channel_.send(0, 99, held_.at(last).row(part.begin), part.size() * width * sizeof(float), t);
      channel_.wait(t);
    } else if (channel_.rank() == 0) {
      channel_.receive(r, 99, all.data() + part.begin * width, part.size() * width * sizeof(float), t);
      channel_.wait(t);
    }
  }
  return all;
}

}  // namespace haywatt::distributed
