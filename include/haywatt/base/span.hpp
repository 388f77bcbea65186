/// Spans: what rooms announce so that a meter can attribute time and energy to phases.
/// Codecs know no meter; they open a ScopedSpan and the listener, if there is one, is told.
#pragma once
#include <cstdint>
#include <string_view>

namespace haywatt {

/// One border of a span, with every clock read at that moment.
struct SpanBorder {
  std::int64_t wall_ns = 0;         ///< CLOCK_MONOTONIC
  std::int64_t process_cpu_ns = 0;  ///< CLOCK_PROCESS_CPUTIME_ID: all threads of the process
  std::int64_t thread_cpu_ns = 0;   ///< CLOCK_THREAD_CPUTIME_ID of the announcing thread
  std::uint64_t thread = 0;         ///< small number, unique per thread within the process
};

/// Told of every span's begin and end, on the announcing thread. Implementations must be thread-safe and
/// must not throw. `phase` is valid only during the call. Spans of one thread nest properly.
class SpanListener {
 public:
  virtual ~SpanListener() = default;
  virtual void on_begin(std::string_view phase, const SpanBorder& at) noexcept = 0;
  virtual void on_end(std::string_view phase, const SpanBorder& at) noexcept = 0;
};

/// Installs the listener of this process (nullptr: none) and returns the one before. The caller keeps ownership and
/// must not destroy a listener while a span that began under it is still open.
SpanListener* set_span_listener(SpanListener* listener) noexcept;
[[nodiscard]] SpanListener* span_listener() noexcept;
[[nodiscard]] SpanBorder read_span_border() noexcept;

/// Announces a phase ("read", "encode", "train/epoch") for its lifetime. Costs one atomic load without a listener.
class ScopedSpan {
 public:
  explicit ScopedSpan(std::string_view phase) noexcept;  ///< `phase` must outlive the span (a literal)
  ~ScopedSpan();
  ScopedSpan(const ScopedSpan&) = delete;
  ScopedSpan& operator=(const ScopedSpan&) = delete;

 private:
  SpanListener* listener_;
  std::string_view phase_;
};

}  // namespace haywatt
