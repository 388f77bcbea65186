/// The listener that notes borders of spans as they come; swept from time to time, so that memory stays bounded.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "haywatt/base/span.hpp"
#include "meter/phases.hpp"

namespace haywatt::meter {

/// Thread-safe. A border costs one lock and one push_back into reserved memory.
class SpanLog final : public SpanListener {
 public:
  /// `at_border` is called after each border, on its thread, outside the lock; it must be cheap and must not throw.
  explicit SpanLog(std::function<void(const SpanBorder&)> at_border);
  void on_begin(std::string_view phase, const SpanBorder& at) noexcept override { note(phase, at, true); }
  void on_end(std::string_view phase, const SpanBorder& at) noexcept override { note(phase, at, false); }

  void open();   ///< borders are noted from now on
  void close();  ///< and no more from now on
  [[nodiscard]] std::vector<Border> take();
  [[nodiscard]] std::size_t waiting() const;
  /// Names by number, "other" first.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::uint64_t lost() const;  ///< borders that there was no memory for

 private:
  void note(std::string_view phase, const SpanBorder& at, bool begin) noexcept;
  PhaseId number_of(std::string_view phase);
  mutable std::mutex mutex_;
  std::function<void(const SpanBorder&)> at_border_;
  bool open_ = false;
  std::map<std::string, PhaseId, std::less<>> numbers_;
  std::vector<Border> borders_;
  std::uint64_t lost_ = 0;
};

}  // namespace haywatt::meter
