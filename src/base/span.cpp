#include "haywatt/base/span.hpp"

#include <time.h>

#include <atomic>

namespace haywatt {
namespace {

std::atomic<SpanListener*> current_listener{nullptr};
std::atomic<std::uint64_t> next_thread{1};

std::int64_t clock_ns(clockid_t id) noexcept {
  timespec t{};
  clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::uint64_t this_thread() noexcept {
  thread_local const std::uint64_t number = next_thread.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

SpanListener* set_span_listener(SpanListener* listener) noexcept { return current_listener.exchange(listener); }
SpanListener* span_listener() noexcept { return current_listener.load(std::memory_order_acquire); }

SpanBorder read_span_border() noexcept {
  return {clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID), clock_ns(CLOCK_THREAD_CPUTIME_ID),
          this_thread()};
}

ScopedSpan::ScopedSpan(std::string_view phase) noexcept : listener_(span_listener()), phase_(phase) {
  if (listener_ != nullptr) listener_->on_begin(phase_, read_span_border());
}

ScopedSpan::~ScopedSpan() {
  if (listener_ != nullptr) listener_->on_end(phase_, read_span_border());
}

}  // namespace haywatt
