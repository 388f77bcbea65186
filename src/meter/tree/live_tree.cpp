#include "meter/tree/live_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace haywatt::meter {
namespace {

constexpr std::size_t most_alive = 16'384;
constexpr std::uint64_t most_open = 64;  ///< processes whose files are kept open
constexpr std::size_t most_remembered = 200;
/// Of a process: one that is over by then should be known as well as others.
constexpr std::int64_t fully_for_ns = 1'000'000'000;
/// CPU time of the group that no known process has used means that there is one more.
constexpr std::int64_t newcomer_ns = 1'000'000;

using Path = std::array<char, 64>;

const char* path_of(Path& path, pid_t pid, const char* file) {
  *fmt::format_to_n(path.data(), path.size() - 1, "/proc/{}/{}", pid, file).out = '\0';
  return path.data();
}

using Buffer = std::array<char, 4096>;

/// From a file that is open, or that is opened for this once.
std::string_view read_at(int fd, pid_t pid, const char* file, Buffer& buffer) noexcept {
  Path path{};
  const int once = fd >= 0 ? -1 : ::open(path_of(path, pid, file), O_RDONLY | O_CLOEXEC);
  const ssize_t n = ::pread(fd >= 0 ? fd : once, buffer.data(), buffer.size(), 0);
  if (once >= 0) ::close(once);
  return n <= 0 ? std::string_view{} : std::string_view(buffer.data(), static_cast<std::size_t>(n));
}

/// Numbers with blanks or lines' ends between them, as many as the file has. Several readings where one does not hold
/// them.
template <typename Each>
void each_number(int file, Buffer& buffer, Each&& each) {
  std::string rest;
  off_t at = 0;
  for (ssize_t n = 0; file >= 0 && (n = ::pread(file, buffer.data(), buffer.size(), at)) > 0; at += n) {
    std::string_view text(buffer.data(), static_cast<std::size_t>(n));
    const bool cut = text.back() >= '0' && text.back() <= '9';
    if (!rest.empty() || cut) {
      rest += text;
      if (cut && text.size() == buffer.size()) continue;
      text = rest;
    }
    while (const auto number = next_number(text)) {
      each(*number);
      if (!text.empty()) text.remove_prefix(1);
    }
    rest.clear();
    if (static_cast<std::size_t>(n) < buffer.size()) break;
  }
}

enum File : std::size_t { stat_file, io_file, children_file, statm_file, file_count };

void close_all(const std::array<int, file_count>& files) {
  for (const int fd : files)
    if (fd >= 0) ::close(fd);
}

}  // namespace

struct LiveTree::Process {
  pid_t pid = 0, parent = 0;
  std::uint64_t start_ticks = 0;
  std::int64_t since_ns = 0;
  std::int64_t cpu_ns = 0, children_ns = 0;
  std::uint64_t rss_B = 0, rss_peak_B = 0, threads = 0;
  IoCounts io;
  std::array<char, 16> name{};
  /// stat, io, children of its first thread, statm; -1: opened each time
  std::array<int, file_count> files = {-1, -1, -1, -1};
};

LiveTree::LiveTree(std::int64_t start_ns, const std::string& pids_file, bool fresh_list)
    : start_ns_(start_ns),
      pids_file_(pids_file.empty() ? -1 : ::open(pids_file.c_str(), O_RDONLY | O_CLOEXEC)),
      fresh_list_(fresh_list),
      self_(::getpid()),
      tick_ns_(1'000'000'000 / std::max(1L, ::sysconf(_SC_CLK_TCK))),
      page_B_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {
  found_.reserve(256);
  own_children_ = ::open(fmt::format("/proc/self/task/{}/children", self_).c_str(), O_RDONLY | O_CLOEXEC);
  has_children_files_ = own_children_ >= 0;
}

LiveTree::~LiveTree() {
  for (const int fd : {pids_file_, own_children_})
    if (fd >= 0) ::close(fd);
  for (const auto& [number, p] : alive_) close_all(p.files);
}

LiveTree::Process* LiveTree::process(pid_t pid) {
  const auto at = numbers_.find(pid);
  return at == numbers_.end() ? nullptr : &alive_.at(at->second);
}

void LiveTree::add(pid_t pid) {
  if (pid == self_ || alive_.size() >= most_alive) return;
  const auto [at, is_new] = numbers_.try_emplace(pid, seen_);
  if (!is_new) return;
  Process& p = alive_[seen_];
  p.pid = pid;
  ++seen_;
  if (open_files_ < most_open) {
    Path path{};
    std::array<char, 40> children{};
    *fmt::format_to_n(children.data(), children.size() - 1, "task/{}/children", pid).out = '\0';
    const std::array<const char*, file_count> names = {"stat", "io", children.data(), "statm"};
    for (std::size_t i = 0; i < names.size(); ++i)
      p.files.at(i) = ::open(path_of(path, pid, names.at(i)), O_RDONLY | O_CLOEXEC);
    ++open_files_;
  }
  found_.push_back(pid);
}

std::size_t LiveTree::find_in_group() {
  std::size_t listed = 0;
  each_number(pids_file_, buffer_, [&](std::uint64_t pid) {
    add(static_cast<pid_t>(pid));
    ++listed;
  });
  return listed;
}

void LiveTree::find_children_of(pid_t pid, pid_t thread, int fd) {
  const int once = fd >= 0 ? -1 : [&] {
    std::array<char, 40> file{};
    *fmt::format_to_n(file.data(), file.size() - 1, "task/{}/children", thread).out = '\0';
    Path path{};
    return ::open(path_of(path, pid, file.data()), O_RDONLY | O_CLOEXEC);
  }();
  each_number(fd >= 0 ? fd : once, buffer_, [this](std::uint64_t child) { add(static_cast<pid_t>(child)); });
  if (once >= 0) ::close(once);
}

/// Breadth first: found_ holds whose children are yet to be looked for.
void LiveTree::find(bool thoroughly) {
  found_.clear();
  for (const auto& [number, p] : alive_) found_.push_back(p.pid);
  const bool by_group = all_in_group_ && !thoroughly;
  const std::size_t listed = thoroughly || by_group ? find_in_group() : 0;
  if (by_group) return;
  find_by_parents(thoroughly);
  if (thoroughly) all_in_group_ = fresh_list_ && listed > 0 && listed == found_.size();
}

void LiveTree::find_by_parents(bool thoroughly) {
  if (!has_children_files_) {
    if (thoroughly) scan_machine();
    return;
  }
  find_children_of(self_, self_, own_children_);
  for (std::size_t i = 0; i < found_.size(); ++i) {
    const pid_t pid = found_[i];
    const Process* p = process(pid);
    if (p == nullptr) continue;
    find_children_of(pid, pid, p->files[children_file]);
    if (!thoroughly || p->threads <= 1) continue;
    Path path{};
    DIR* tasks = ::opendir(path_of(path, pid, "task"));
    if (tasks == nullptr) continue;
    while (const dirent* e = ::readdir(tasks)) {
      std::string_view name = e->d_name;
      if (const auto tid = next_number(name); tid && static_cast<pid_t>(*tid) != pid)
        find_children_of(pid, static_cast<pid_t>(*tid), -1);
    }
    ::closedir(tasks);
  }
}

void LiveTree::scan_machine() {
  std::vector<std::pair<pid_t, pid_t>> all;  // parent, pid
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return;
  Buffer buffer{};
  while (const dirent* e = ::readdir(proc)) {
    std::string_view name = e->d_name;
    const auto pid = next_number(name);
    if (!pid) continue;
    if (const auto stat = process_stat(read_at(-1, static_cast<pid_t>(*pid), "stat", buffer)))
      all.emplace_back(stat->parent, static_cast<pid_t>(*pid));
  }
  ::closedir(proc);
  std::sort(all.begin(), all.end());
  const auto add_children = [&](pid_t parent) {
    for (auto at = std::lower_bound(all.begin(), all.end(), std::pair<pid_t, pid_t>(parent, 0));
         at != all.end() && at->first == parent; ++at)
      add(at->second);
  };
  add_children(self_);
  for (std::size_t i = 0; i < found_.size(); ++i) add_children(found_[i]);
}

bool LiveTree::read_briefly(Process& p) {
  const auto resident = resident_B(read_at(p.files[statm_file], p.pid, "statm", buffer_));
  p.rss_B = resident.value_or(0);
  p.rss_peak_B = std::max(p.rss_peak_B, p.rss_B);
  if (p.files[statm_file] >= 0) p.cpu_ns = std::max(p.cpu_ns, process_cpu_ns(p.pid).value_or(0));
  return resident.has_value();
}

bool LiveTree::read(Process& p, std::int64_t now_ns, bool precisely) {
  const auto stat = process_stat(read_at(p.files[stat_file], p.pid, "stat", buffer_));
  if (!stat || (p.since_ns != 0 && stat->start_ticks != p.start_ticks)) return false;
  if (p.since_ns == 0) {
    precisely = true;  // it may be the only time
    p.since_ns = now_ns;
    p.parent = stat->parent;
    p.start_ticks = stat->start_ticks;
  }
  p.name.fill('\0');
  std::copy_n(stat->name.data(), std::min(stat->name.size(), p.name.size() - 1), p.name.data());
  p.threads = stat->threads;
  p.children_ns = static_cast<std::int64_t>(stat->children_ticks) * tick_ns_;
  p.rss_B = stat->resident_pages * page_B_;
  p.rss_peak_B = std::max(p.rss_peak_B, p.rss_B);
  p.cpu_ns = std::max(
      p.cpu_ns, precisely ? process_cpu_ns(p.pid).value_or(0) : static_cast<std::int64_t>(stat->own_ticks) * tick_ns_);
  const auto io = io_counts(read_at(p.files[io_file], p.pid, "io", buffer_));
  if (io) p.io = *io;
  return true;
}

void LiveTree::see_whether_careless(const Process& p) {
  if (!careless_parent_.empty()) return;
  Buffer buffer{};
  const auto ignored = ignored_signals(read_at(-1, p.pid, "status", buffer));
  if (ignored && ((*ignored >> (SIGCHLD - 1)) & 1U) != 0) careless_parent_ = p.name.data();
}

const TreeSums& LiveTree::look(std::int64_t now_ns, bool thoroughly, std::optional<std::int64_t> group_cpu_ns) {
  sums_ = {};
  const bool known_ones = !thoroughly && clocks_tell();
  if (!known_ones) find(thoroughly);
  read_from(alive_.begin(), now_ns, thoroughly);
  if (known_ones && group_cpu_ns && *group_cpu_ns - clocks_ns() > unexplained_ns_ + newcomer_ns) {
    const std::uint64_t known = seen_;
    find(false);
    read_from(alive_.lower_bound(known), now_ns, false);
  }
  if (group_cpu_ns) unexplained_ns_ = *group_cpu_ns - clocks_ns();
  return sums_;
}

bool LiveTree::clocks_tell() const { return all_in_group_ && alive_.size() <= most_open; }

std::int64_t LiveTree::clocks_ns() const {
  std::int64_t sum = gone_cpu_ns_;
  for (const auto& [number, p] : alive_) sum += p.cpu_ns;
  return sum;
}

void LiveTree::read_from(Alive::iterator at, std::int64_t now_ns, bool thoroughly) {
  const bool group_counts = pids_file_ >= 0 && !thoroughly;
  const bool precisely = !group_counts || alive_.size() <= most_open;
  while (at != alive_.end()) {
    Process& p = at->second;
    const bool old = group_counts && p.since_ns != 0 && now_ns >= p.since_ns + fully_for_ns;
    if (!(old ? read_briefly(p) : read(p, now_ns, precisely))) {
      forget(at++, now_ns);
      continue;
    }
    if (thoroughly && pids_file_ < 0) see_whether_careless(p);
    sums_.rss_B += p.rss_B;
    sums_.read_B += p.io.read_B;
    sums_.written_B += p.io.written_B;
    sums_.threads += p.threads;
    sums_.cpu_ns += p.cpu_ns + p.children_ns;
    ++sums_.processes;
    ++at;
  }
}

std::int64_t LiveTree::cpu_now_ns() noexcept {
  std::int64_t sum = 0;
  std::size_t asked = 0;
  for (auto& [number, p] : alive_) {
    if (asked++ < most_open) {
      const auto cpu = process_cpu_ns(p.pid);
      if (!cpu) continue;  // gone: who waited for it has its time
      p.cpu_ns = std::max(p.cpu_ns, *cpu);
    }
    sum += p.cpu_ns + p.children_ns;
  }
  return sum;
}

void LiveTree::ended(pid_t pid, std::int64_t now_ns) {
  add(pid);
  const auto number = numbers_.find(pid);
  if (number == numbers_.end()) return;  // more than we keep
  const auto at = alive_.find(number->second);
  Process& p = at->second;
  const bool met = p.since_ns != 0;
  if (!read(p, now_ns, true) && met) {  // its number had belonged to another
    forget(at, now_ns);
    return;
  }
  see_whether_careless(p);
  forget(at, now_ns);
}

void LiveTree::forget(Alive::iterator at, std::int64_t now_ns) {
  const Process& p = at->second;
  gone_cpu_ns_ += p.cpu_ns;
  if (p.since_ns != 0) remember(record_of(p, now_ns));
  if (p.files != Process{}.files) --open_files_;
  close_all(p.files);
  numbers_.erase(p.pid);
  alive_.erase(at);
}

ProcessRecord LiveTree::record_of(const Process& p, std::int64_t now_ns) const {
  ProcessRecord r;
  r.pid = p.pid;
  r.parent = p.parent;
  r.name = p.name.data();
  r.start_s = static_cast<double>(std::max<std::int64_t>(0, p.since_ns - start_ns_)) * 1e-9;
  r.end_s = static_cast<double>(now_ns - start_ns_) * 1e-9;
  r.cpu_s = static_cast<double>(p.cpu_ns) * 1e-9;
  r.rss_peak_B = p.rss_peak_B;
  return r;
}

void LiveTree::remember(const ProcessRecord& record) {
  gone_.push_back(record);
  if (gone_.size() < 2 * most_remembered) return;
  std::nth_element(gone_.begin(), gone_.begin() + most_remembered, gone_.end(),
                   [](const ProcessRecord& a, const ProcessRecord& b) { return a.cpu_s > b.cpu_s; });
  gone_.resize(most_remembered);
}

std::vector<ProcessRecord> LiveTree::processes(std::int64_t now_ns) const {
  std::vector<ProcessRecord> all = gone_;
  for (const auto& [number, p] : alive_)
    if (p.since_ns != 0) all.push_back(record_of(p, now_ns));
  std::stable_sort(all.begin(), all.end(),
                   [](const ProcessRecord& a, const ProcessRecord& b) { return a.cpu_s > b.cpu_s; });
  if (all.size() > most_remembered) all.resize(most_remembered);
  std::stable_sort(all.begin(), all.end(),
                   [](const ProcessRecord& a, const ProcessRecord& b) { return a.start_s < b.start_s; });
  return all;
}

bool LiveTree::descends(pid_t pid) const {
  Buffer buffer{};
  for (int generation = 0; pid > 1 && generation < 10'000; ++generation) {
    if (numbers_.contains(pid)) return true;
    const auto stat = process_stat(read_at(-1, pid, "stat", buffer));
    if (!stat) return false;
    pid = stat->parent;
    if (pid == self_) return true;
  }
  return false;
}

std::vector<pid_t> LiveTree::pids() const {
  std::vector<pid_t> list;
  list.reserve(alive_.size());
  for (const auto& [number, p] : alive_) list.push_back(p.pid);
  return list;
}

std::uint64_t LiveTree::pss_B() const {
  std::uint64_t sum = 0;
  Buffer buffer{};
  for (const auto& [number, p] : alive_)
    sum += number_after(read_at(-1, p.pid, "smaps_rollup", buffer), "Pss:").value_or(0) * 1024;
  return sum;
}

}  // namespace haywatt::meter
