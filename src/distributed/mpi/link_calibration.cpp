#include "distributed/mpi/link_calibration.hpp"

#include <time.h>

#include <algorithm>

namespace haywatt::distributed {
namespace {

constexpr int ping_tag = 200, late_tag = 201, wait_tag = 202, touch_tag = 203;
constexpr int fewest_repeats = 7;

constexpr std::uint64_t near_cache_B = std::uint64_t{4} << 20;
constexpr std::size_t line_B = 64;
constexpr std::uint64_t beyond_B = 256;  // headers count against Open MPI's limits, ours are rounded down
constexpr double ready_s = 2e-5;

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0.0 : (v.size() % 2 == 1 ? v[v.size() / 2] : 0.5 * (v[v.size() / 2 - 1] + v[v.size() / 2]));
}

/// Message sizes up to the largest that a layout sends: few enough to be quick, with both sides of the eager limit.
std::vector<std::uint64_t> sizes_up_to(std::uint64_t largest, std::uint64_t eager_limit) {
  std::vector<std::uint64_t> sizes = {1};
  for (std::uint64_t s = 256; s < largest; s *= 4) sizes.push_back(s);
  for (const std::uint64_t s : {eager_limit / 2, eager_limit, eager_limit + beyond_B, 2 * eager_limit})
    sizes.push_back(s);
  sizes.push_back(std::max<std::uint64_t>(largest, 4 * eager_limit));
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

/// Rank 0 says, since it alone knows how long a message takes.
int agreed(int count, MPI_Comm comm) {
  check_mpi(MPI_Bcast(&count, 1, MPI_INT, 0, comm), "agree on repeats");
  return count;
}

/// Every measurement begins as a layout does: at a start agreed upon, milliseconds after the last message, and with as
/// many bytes touched before sending as a rank has weights. A message right after another one, or from a warm cache, is
/// faster than those between layers.
class LinkMeasurement {
 public:
  LinkMeasurement(Channel& channel, MPI_Comm pair, std::uint64_t largest, std::uint64_t touched_B, double refill_s)
      : channel_(channel),
        pair_(pair),
        starts_(pair, Waiting::Sleep),
        refill_s_(refill_s),
        out_(largest),
        in_(largest),
        touched_(std::min(touched_B, near_cache_B), 1) {
    double worst = 0.0;
    for (int i = 0; i < 5; ++i) worst = std::max(worst, touch(out_.size()));
    check_mpi(MPI_Allreduce(&worst, &touching_s_, 1, MPI_DOUBLE, MPI_MAX, pair), "agree on a pause");
  }

  /// Seconds from one start to the next, about.
  double pause_s() {
    const double before = now_s();
    start();
    return now_s() - before;
  }

  /// There and back; half of it, on rank 0, without what rank 1 touches between.
  double ping_pong(std::size_t bytes) {
    start();
    double touching_s = 0.0, took_s = 0.0;
    if (channel_.rank() == 0) {
      spin_until(now_s() + ready_s);  // rank 1 waits by then, as it would
      touch(bytes);
      const double before = now_s();
      send(bytes, ping_tag);
      receive(bytes, ping_tag);
      took_s = now_s() - before;
      MPI_Recv(&touching_s, 1, MPI_DOUBLE, 1, touch_tag, pair_, MPI_STATUS_IGNORE);
    } else {
      receive(bytes, ping_tag);
      touching_s = touch(bytes);
      send(bytes, ping_tag);
      MPI_Send(&touching_s, 1, MPI_DOUBLE, 0, touch_tag, pair_);
    }
    return std::max(0.0, 0.5 * (took_s - touching_s));
  }

  /// Both at once. It is never a layout's first message, and begins when both ranks have touched what they have.
  double exchange(std::size_t bytes) {
    const int peer = 1 - channel_.rank();
    const double started = start();
    if (channel_.rank() == 0)
      send(1, ping_tag);
    else
      receive(1, ping_tag);
    touch(bytes);
    spin_until(started + ready_s + 2.0 * touching_s_ + channel_.latency_s());
    const double before = now_s();
    Transfer sending, receiving;
    channel_.receive(peer, ping_tag, in_.data(), bytes, receiving);
    channel_.send(peer, ping_tag, out_.data(), bytes, sending);
    channel_.wait(receiving);
    channel_.wait(sending);
    return now_s() - before;
  }

  /// Seconds of rank 0 for a message that rank 1 sent long before it was asked for; and seconds of a send, by rank 0.
  std::pair<double, double> late(std::size_t bytes, double one_way_s) {
    start();
    if (channel_.rank() == 1) {
      send(bytes, late_tag);
      receive(bytes, late_tag);
      return {0.0, 0.0};
    }
    spin_until(now_s() + 2.0 * one_way_s + channel_.latency_s() + 2e-4);
    touch(bytes);
    const double before = now_s();
    receive(bytes, late_tag);
    const double received = now_s();
    send(bytes, late_tag);
    return {received - before, now_s() - received};
  }

  /// Whether rank 0 has its buffer back while rank 1 is busy with something else; told to both.
  bool completes_alone(std::size_t bytes, double one_way_s) {
    constexpr int tries = 4;
    int done = 1;
    for (int i = 0; i < tries; ++i) {
      start();
      const double until = now_s() + 4.0 * one_way_s + 2e-4;
      if (channel_.rank() == 0) {
        Transfer t;
        channel_.send(1, late_tag, out_.data(), bytes, t);
        bool gone = false;
        while (!gone && now_s() < until) gone = channel_.done(t);
        channel_.wait(t);
        if (!gone) done = 0;
      } else {
        spin_until(until + 1e-4);
        receive(bytes, late_tag);
      }
    }
    return agreed(done, pair_) != 0;
  }

 private:
  double start() {
    spin_until(now_s() + refill_s_);
    const double at = starts_.agree_on_start();
    spin_until(at);
    return at;
  }
  /// A message was written just before it is sent.
  double touch(std::size_t bytes) {
    const double before = now_s();
    std::fill_n(out_.begin(), bytes, static_cast<char>(++written_));
    for (std::size_t i = 0; i < touched_.size(); i += line_B) ++touched_[i];
    asm volatile("" : : "r"(touched_.data()) : "memory");
    return now_s() - before;
  }
  void send(std::size_t bytes, int tag) {
    Transfer t;
    channel_.send(1 - channel_.rank(), tag, out_.data(), bytes, t);
    channel_.wait(t);
  }
  void receive(std::size_t bytes, int tag) {
    Transfer t;
    channel_.receive(1 - channel_.rank(), tag, in_.data(), bytes, t);
    channel_.wait(t);
  }
  Channel& channel_;
  MPI_Comm pair_;
  Channel starts_;
  double refill_s_, touching_s_ = 0.0;
  int written_ = 0;
  std::vector<char> out_, in_, touched_;
};

}  // namespace

std::vector<LinkSample> measure_link(Channel& channel, std::uint64_t largest_B, std::uint64_t eager_limit_B,
                                     double budget_s, double refill_s, std::uint64_t touched_B) {
  MPI_Comm pair = MPI_COMM_NULL;
  const bool takes_part = channel.rank() < 2 && channel.ranks() > 1;
  check_mpi(MPI_Comm_split(MPI_COMM_WORLD, takes_part ? 0 : 1, channel.rank(), &pair), "split");
  std::vector<LinkSample> samples;
  if (takes_part) {
    const auto sizes = sizes_up_to(largest_B, eager_limit_B);
    LinkMeasurement link(channel, pair, sizes.back(), touched_B, refill_s);
    const double each_s = budget_s / static_cast<double>(sizes.size()), pause_s = link.pause_s();
    for (const std::uint64_t bytes : sizes) {
      LinkSample sample;
      sample.bytes = bytes;
      const double first = std::max(link.ping_pong(bytes), link.ping_pong(bytes));
      const int repeats =
          agreed(std::clamp(static_cast<int>(each_s / (4.0 * first + 2.0 * pause_s)), fewest_repeats, 200), pair);
      std::vector<double> one_way, both, send, late;
      for (int i = 0; i < repeats; ++i) one_way.push_back(link.ping_pong(bytes));
      for (int i = 0; i < repeats; ++i) both.push_back(link.exchange(bytes));
      sample.one_way_s = median(one_way);
      sample.exchange_s = median(both);
      sample.send_s = sample.late_receive_s = sample.one_way_s;
      if (bytes <= eager_limit_B) {
        for (int i = 0; i < std::min(repeats, 7); ++i) {
          const auto [received, sent] = link.late(bytes, sample.one_way_s);
          late.push_back(received);
          send.push_back(sent);
        }
        sample.completes_alone = link.completes_alone(bytes, sample.one_way_s);
        sample.send_s = std::min(median(send), sample.one_way_s);
        sample.late_receive_s = std::min(median(late), sample.one_way_s);
      }
      if (channel.rank() == 0) samples.push_back(sample);
    }
  }
  channel.meet();
  MPI_Comm_free(&pair);
  return samples;
}

double measure_wait_share(Channel& channel) {
  constexpr double wait_s = 0.03;
  char token = 0;
  Transfer t;
  channel.meet();
  if (channel.rank() != 0) {
    if (channel.rank() == 1) {
      spin_until(now_s() + wait_s);
      channel.send(0, wait_tag, &token, 1, t);
      channel.wait(t);
    }
    channel.meet();
    return 0.0;
  }
  double share = 1.0;
  if (channel.ranks() > 1) {
    const double cpu = cpu_now_s(), before = now_s();
    channel.receive(1, wait_tag, &token, 1, t);
    channel.wait(t);
    share = std::min(1.0, (cpu_now_s() - cpu) / (now_s() - before));
  }
  channel.meet();
  return share;
}

double measure_adding(Channel& channel) {
  constexpr std::size_t count = 1 << 18;
  std::vector<float> a(count, 1.0F), b(count, 2.0F);
  spin_until(channel.agree_on_start());
  std::vector<double> seconds;
  for (int i = 0; i < 20; ++i) {
    const double before = now_s();
    for (std::size_t k = 0; k < count; ++k) a[k] += b[k];
    asm volatile("" : : "r"(a.data()) : "memory");
    seconds.push_back(now_s() - before);
  }
  channel.meet();
  return median(seconds) / static_cast<double>(count * sizeof(float));
}

}  // namespace haywatt::distributed
