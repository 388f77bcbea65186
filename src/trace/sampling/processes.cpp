#include "trace/sampling/processes.hpp"

#include <utility>

#include "trace/sampling/python_spy.hpp"

namespace haywatt::trace {
namespace {

/// A program that maps without end must not fill our memory.
constexpr std::size_t most_mappings = 100'000;
constexpr std::size_t ended_remembered = 256;

}  // namespace

void AddressSpace::add(Mapping mapping) {
  if (mapping.start >= mapping.end || by_start_.size() >= most_mappings) return;
  auto at = by_start_.lower_bound(mapping.start);
  if (at != by_start_.begin() && std::prev(at)->second.end > mapping.start) {
    Mapping& before = std::prev(at)->second;
    if (before.end > mapping.end) {
      Mapping rest = before;
      rest.file_offset += mapping.end - rest.start;
      rest.start = mapping.end;
      at = by_start_.emplace(rest.start, std::move(rest)).first;
    }
    before.end = mapping.start;
  }
  while (at != by_start_.end() && at->second.start < mapping.end) {
    if (at->second.end > mapping.end) {
      Mapping rest = std::move(at->second);
      rest.file_offset += mapping.end - rest.start;
      rest.start = mapping.end;
      by_start_.erase(at);
      by_start_.emplace(rest.start, std::move(rest));
      break;
    }
    at = by_start_.erase(at);
  }
  by_start_.insert_or_assign(mapping.start, std::move(mapping));
}

Mapping* AddressSpace::find(std::uint64_t address) {
  auto after = by_start_.upper_bound(address);
  if (after == by_start_.begin()) return nullptr;
  Mapping& m = std::prev(after)->second;
  return address < m.end ? &m : nullptr;
}

SampledProcess& SampledProcesses::of(pid_t pid) { return by_pid_[pid]; }

void SampledProcesses::forked(pid_t child, pid_t parent) {
  SampledProcess copy = by_pid_[parent];
  copy.ended = false;
  by_pid_[child] = std::move(copy);
}

void SampledProcesses::replaced(pid_t pid, std::string name) {
  SampledProcess& process = by_pid_[pid];
  process.name = std::move(name);
  process.runs_program = true;
  process.python = false;
  process.space = std::make_shared<AddressSpace>();
}

void SampledProcesses::mapped(pid_t pid, Mapping mapping) {
  SampledProcess& process = by_pid_[pid];
  process.python = process.python || is_python(mapping.file.path);
  auto& space = process.space;
  if (space.use_count() > 1) space = std::make_shared<AddressSpace>(*space);  // the parent's stays as it is
  space->add(std::move(mapping));
}

void SampledProcesses::ended(pid_t pid) {
  SampledProcess& process = by_pid_[pid];
  if (process.ended) return;
  process.ended = true;
  gone_.push_back(pid);
  while (gone_.size() > ended_remembered) {
    const auto oldest = by_pid_.find(gone_.front());
    if (oldest != by_pid_.end() && oldest->second.ended) by_pid_.erase(oldest);
    gone_.pop_front();
  }
}

}  // namespace haywatt::trace
