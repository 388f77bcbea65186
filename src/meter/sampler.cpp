#include "meter/sampler.hpp"

#include <algorithm>
#include <new>

#include "haywatt/base/span.hpp"

namespace haywatt::meter {
namespace {

constexpr std::size_t most_samples = 2'000;
constexpr std::chrono::milliseconds slow_interval{1'000};

}  // namespace

Sampler::Sampler(int interval_ms, std::int64_t start_ns, IoCounts io_at_start, std::int64_t cpu_at_start_ns,
                 std::function<void()> each_time, std::function<void()> slowly)
    : interval_(std::max(interval_ms, 1)),
      start_ns_(start_ns),
      io_at_start_(io_at_start),
      cpu_at_start_ns_(cpu_at_start_ns),
      each_time_(std::move(each_time)),
      slowly_(std::move(slowly)) {
  samples_.reserve(most_samples + 1);
  thread_ = std::thread([this] { work(); });
}

Sampler::~Sampler() { stop(); }

void Sampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sampler::work() {
  using clock = std::chrono::steady_clock;
  auto next = clock::now() + interval_, next_slow = clock::now() + slow_interval;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_until(lock, next, [this] { return stopping_; })) {
    lock.unlock();
    try {
      sample();
      if (clock::now() >= next_slow) {
        next_slow += slow_interval;
        slowly_();
      }
      each_time_();
    } catch (const std::bad_alloc&) {
      ++missed_;  // the run that is metered goes on, and is told
    }
    // A suspended or starved machine does not make up for the samples it missed.
    next = std::max(next + interval_, clock::now());
    next_slow = std::max(next_slow, clock::now());
    lock.lock();
  }
  lock.unlock();
  try {
    sample();
  } catch (const std::bad_alloc&) {
    ++missed_;
  }
  own_cpu_ns_ = read_span_border().thread_cpu_ns;
}

void Sampler::sample() {
  const SpanBorder now = read_span_border();
  SampleRecord s;
  s.t_s = static_cast<double>(now.wall_ns - start_ns_) * 1e-9;
  s.cpu_s = static_cast<double>(now.process_cpu_ns - cpu_at_start_ns_) * 1e-9;
  s.rss_B = resident_B(statm_.text()).value_or(0);
  if (const auto io = io_counts(io_.text())) {
    s.read_B = io->read_B - io_at_start_.read_B;
    s.written_B = io->written_B - io_at_start_.written_B;
  }
  peak_B_ = std::max(peak_B_, s.rss_B);
  if (taken_++ % stride_ == 0) keep(s);
}

void Sampler::keep(const SampleRecord& s) {
  samples_.push_back(s);
  if (samples_.size() <= most_samples) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); i += 2) samples_[kept++] = samples_[i];
  samples_.resize(kept);
  stride_ *= 2;
}

}  // namespace haywatt::meter
