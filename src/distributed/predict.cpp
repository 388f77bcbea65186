#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include "haywatt/base/error.hpp"
#include "haywatt/distributed/cost_model.hpp"

namespace haywatt::distributed {
namespace {

struct Message {
  double sent_s = 0.0, arrives_s = 0.0;
  std::uint64_t bytes = 0;
  bool rendezvous = false;
  int waiting_sender = -1;  // whose clock goes on only when it is through
};

class Walk {
 public:
  Walk(const std::vector<Program>& programs, const std::vector<LayerShape>& layers, Company company,
       const ComputeModel& compute, const LinkModel& link)
      : programs_(programs),
        layers_(layers),
        company_(company),
        compute_(compute),
        link_(link),
        at_(programs.size(), 0),
        clock_(programs.size(), 0.0),
        full_at_(programs.size(), 0.0),
        out_free_(programs.size(), 0.0),
        blocked_(programs.size(), false),
        waits_for_(programs.size(), nobody),
        result_{0.0, std::vector<RankPrediction>(programs.size())} {}

  Prediction run() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (std::size_t r = 0; r < programs_.size(); ++r)
        while (!blocked_[r] && at_[r] < programs_[r].size() && step(static_cast<int>(r), programs_[r][at_[r]])) {
          ++at_[r];
          moved = true;
        }
    }
    for (std::size_t r = 0; r < programs_.size(); ++r) {
      if (at_[r] < programs_[r].size() || blocked_[r])
        fail_usage("the programs of this layout wait for each other for ever");
      RankPrediction& rank = result_.ranks[r];
      rank.finish_s = clock_[r];
      rank.cpu_s = rank.busy_s + link_.wait_cpu_share * std::max(0.0, rank.finish_s - rank.busy_s);
      rank.memory = memory_of(programs_[r], layers_);
    }
    result_.time_s = clock_.at(0);
    return std::move(result_);
  }

 private:
  void work(int r, double seconds) {
    clock_[r] += seconds;
    result_.ranks[r].busy_s += seconds;
  }

  /// Rank `r` calls MPI now: senders that waited for that go on.
  void enters_mpi(int r) {
    for (std::size_t q = 0; q < programs_.size(); ++q) {
      if (waits_for_[q] != r) continue;
      clock_[q] = std::max(clock_[q], clock_[r]);
      waits_for_[q] = nobody;
      blocked_[q] = false;
    }
  }

  /// False: not yet possible.
  bool step(int r, const Step& s) {
    if (s.kind == StepKind::AllReduce || (s.waits && (s.kind == StepKind::Send || s.kind == StepKind::Receive)))
      enters_mpi(r);
    switch (s.kind) {
      case StepKind::Layer:
      case StepKind::Finish: {
        const double t = compute_.seconds(key_of(s, company_));
        result_.ranks[r].compute_s += t;
        work(r, t);
        return true;
      }
      case StepKind::Send:
        send(r, s);
        return true;
      case StepKind::Receive:
        return receive(r, s);
      case StepKind::AllReduce:
        return all_reduce(r, s);
    }
    return true;
  }

  void send(int r, const Step& s) {
    Message m;
    m.bytes = message_bytes(s, layers_);
    m.sent_s = clock_[r];
    m.rendezvous = m.bytes > link_.eager_limit_B;
    if (m.rendezvous) {
      if (s.waits) {
        m.waiting_sender = r;
        blocked_[r] = true;
      }
    } else {
      const auto rank = static_cast<std::size_t>(r);
      const double start = std::max(clock_[r], out_free_[r]);
      m.arrives_s = start + std::max(seconds_of(link_.one_way, m.bytes), through_bucket(rank, start, m.bytes));
      take_tokens(rank, start, m.bytes);
      out_free_[r] = start + on_the_wire(m.bytes);
      work(r, seconds_of(link_.send, m.bytes));
      // A peer that waits itself is in MPI.
      if (s.waits && m.bytes > link_.alone_limit_B && !blocked_[s.peer]) {
        waits_for_[r] = s.peer;
        blocked_[r] = true;
      }
    }
    on_the_way_[{r, s.peer, s.index}].push_back(m);
  }

  /// How long a message keeps the next one off the wire: what the largest sizes need for so many bytes, or the largest
  /// that a full bucket lets pass.
  [[nodiscard]] double on_the_wire(std::uint64_t bytes) const {
    const std::size_t last = link_.one_way.size() - 1;
    const LinkSegment& s = link_.one_way[link_.rate_B_s > 0.0 && last > 0 ? last - 1 : last];
    return s.beta_s_per_B * static_cast<double>(bytes);
  }

  /// Seconds from `start_s` that a message of rank `r` needs with what is left in its bucket.
  [[nodiscard]] double through_bucket(std::size_t r, double start_s, std::uint64_t bytes) const {
    if (link_.rate_B_s <= 0.0) return 0.0;
    const double left_B = link_.bucket_B - std::max(0.0, full_at_[r] - start_s) * link_.rate_B_s;
    return link_.one_way.front().alpha_s + std::max(0.0, static_cast<double>(bytes) - left_B) / link_.rate_B_s;
  }
  void take_tokens(std::size_t r, double start_s, std::uint64_t bytes) {
    if (link_.rate_B_s > 0.0)
      full_at_[r] = std::max(full_at_[r], start_s) + static_cast<double>(bytes) / link_.rate_B_s;
  }

  bool receive(int r, const Step& s) {
    auto& queue = on_the_way_[{s.peer, r, s.index}];
    if (queue.empty()) return false;
    const Message m = queue.front();
    queue.pop_front();
    const double late = seconds_of(link_.late_receive, m.bytes);
    if (!m.rendezvous) {
      const double before = clock_[r];
      clock_[r] = std::max(before + late, m.arrives_s);
      result_.ranks[r].busy_s += std::min(late, clock_[r] - before);
      return true;
    }
    const double start = std::max({clock_[r], m.sent_s, out_free_[s.peer]});
    const auto from = static_cast<std::size_t>(s.peer);
    const double through = start + std::max(seconds_of(link_.one_way, m.bytes), through_bucket(from, start, m.bytes));
    take_tokens(from, start, m.bytes);
    clock_[r] = through;
    out_free_[s.peer] = through;
    const double moving = through - start;
    result_.ranks[r].busy_s += moving;
    result_.ranks[s.peer].busy_s += moving;
    if (m.waiting_sender >= 0) {
      clock_[s.peer] = std::max(clock_[s.peer], through);
      blocked_[s.peer] = false;
    }
    return true;
  }

  /// All ranks stand before it, or nobody goes on.
  bool all_reduce(int caller, const Step& s) {
    double start = 0.0;
    const std::size_t ranks = programs_.size();
    const std::vector<double> before = clock_;
    for (std::size_t r = 0; r < ranks; ++r) {
      if (blocked_[r] || at_[r] >= programs_[r].size()) return false;
      const Step& other = programs_[r][at_[r]];
      if (other.kind != StepKind::AllReduce || other.index != s.index) return false;
      start = std::max(start, clock_[r]);
    }
    const std::uint64_t bytes = message_bytes(s, layers_);
    double moving = seconds_of(link_.exchange, bytes), adding = link_.add_s_per_B * static_cast<double>(bytes);
    if (ranks > 2) {
      const std::uint64_t piece = (bytes + ranks - 1) / ranks;
      moving = 2.0 * static_cast<double>(ranks - 1) * seconds_of(link_.exchange, piece);
      adding *= static_cast<double>(ranks - 1) / static_cast<double>(ranks);
    }
    // A rank's own part of an exchange takes no longer than the whole, though sent and received apart it might.
    const double own = std::min(moving, seconds_of(link_.send, bytes) + seconds_of(link_.late_receive, bytes));
    for (std::size_t r = 0; r < ranks; ++r) {
      if (ranks == 2) moving = std::max(moving, through_bucket(r, start, bytes));
    }
    for (std::size_t r = 0; r < ranks; ++r) {
      take_tokens(r, start, ranks == 2 ? bytes : 2 * bytes);
      // Below the eager limit the other's part leaves without waiting for this rank.
      if (ranks == 2 && bytes <= link_.eager_limit_B)
        clock_[r] = adding + std::max(before[r] + own, before[1 - r] + moving);
      else
        clock_[r] = start + moving + adding;
      result_.ranks[r].busy_s += adding + 2.0 * seconds_of(link_.send, bytes);
      if (static_cast<int>(r) != caller) ++at_[r];  // run() moves the caller on
    }
    return true;
  }

  const std::vector<Program>& programs_;
  const std::vector<LayerShape>& layers_;
  Company company_;
  const ComputeModel& compute_;
  const LinkModel& link_;
  std::vector<std::size_t> at_;
  std::vector<double> clock_, full_at_, out_free_;  // full_at_: when its token bucket will be full again
  static constexpr int nobody = -1;
  std::vector<bool> blocked_;
  std::vector<int> waits_for_;  // which rank's next call of MPI lets a sender go on
  std::map<std::tuple<int, int, std::uint32_t>, std::deque<Message>> on_the_way_;
  Prediction result_;
};

}  // namespace

double Prediction::cpu_s() const {
  double sum = 0.0;
  for (const RankPrediction& r : ranks) sum += r.cpu_s;
  return sum;
}

Prediction predict(const std::vector<Program>& programs, const std::vector<LayerShape>& layers, Company company,
                   const ComputeModel& compute, const LinkModel& link) {
  if (programs.empty()) fail_usage("0 ranks: at least 1 is needed");
  return Walk(programs, layers, company, compute, link).run();
}

}  // namespace haywatt::distributed
