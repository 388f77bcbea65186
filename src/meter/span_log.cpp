#include "meter/span_log.hpp"

#include "meter/process_files.hpp"

namespace haywatt::meter {
namespace {

constexpr std::size_t reserved_borders = 1 << 16;
/// Sweeping happens ten times a second; only a process that starves its sampler comes here.
constexpr std::size_t most_borders = 1'000'000;

}  // namespace

SpanLog::SpanLog(std::function<void(const SpanBorder&)> at_border) : at_border_(std::move(at_border)) {
  numbers_["other"] = other_phase;
  borders_.reserve(reserved_borders);
}

void SpanLog::note(std::string_view phase, const SpanBorder& at, bool begin) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!open_) return;
    try {
      if (borders_.size() < most_borders)
        borders_.push_back({at, number_of(phase), this_tid(), begin});
      else
        ++lost_;
    } catch (const std::bad_alloc&) {
      ++lost_;
    }
  }
  at_border_(at);
}

PhaseId SpanLog::number_of(std::string_view phase) {
  if (const auto it = numbers_.find(phase); it != numbers_.end()) return it->second;
  return numbers_.emplace(std::string(phase), static_cast<PhaseId>(numbers_.size())).first->second;
}

void SpanLog::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
}

void SpanLog::close() {
  const std::lock_guard lock(mutex_);
  open_ = false;
}

std::vector<Border> SpanLog::take() {
  std::vector<Border> fresh;
  fresh.reserve(reserved_borders);
  const std::lock_guard lock(mutex_);
  borders_.swap(fresh);
  return fresh;
}

std::size_t SpanLog::waiting() const {
  const std::lock_guard lock(mutex_);
  return borders_.size();
}

std::vector<std::string> SpanLog::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> list(numbers_.size());
  for (const auto& [name, number] : numbers_) list[number] = name;
  return list;
}

std::uint64_t SpanLog::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace haywatt::meter
