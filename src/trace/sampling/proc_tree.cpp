#include "trace/sampling/proc_tree.hpp"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "trace/sampling/proc_text.hpp"

namespace haywatt::trace {
namespace {

constexpr std::size_t most_processes = 100'000, most_threads_of_one = 20'000;

/// The next word of a line; empty at its end.
std::string_view word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const std::string_view w = rest.substr(0, rest.find_first_of(" \t\n"));
  rest.remove_prefix(w.size());
  return w;
}

template <class T>
bool number(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size();
}

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> list;
  const std::unique_ptr<DIR, FolderCloser> folder(::opendir(fmt::format("/proc/{}/task", pid).c_str()));
  if (!folder) return list;
  for (const dirent* e = ::readdir(folder.get()); e != nullptr && list.size() < most_threads_of_one;
       e = ::readdir(folder.get())) {
    pid_t tid = 0;
    if (number(std::string_view(e->d_name), tid)) list.push_back(tid);
  }
  return list;
}

}  // namespace

std::optional<ThreadStat> read_thread_stat(std::string_view text) {
  // "12 (name) R …": the name may hold blanks and brackets
  const auto open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  ThreadStat s;
  s.name = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 1);
  for (int field = 3; field <= 26; ++field) {
    const std::string_view w = word(rest);
    if (w.empty()) return std::nullopt;
    if (field == 3) s.state = w.front();
    if (field == 22 && !number(w, s.started)) return std::nullopt;
    if (field == 26) (void)number(w, s.code_start);
  }
  return s;
}

std::vector<Mapping> read_maps(std::string_view text) {
  std::vector<Mapping> list;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // "55d0-55d8 r-xp 00002000 08:01 1234   /usr/bin/cat"
    const std::string_view range = word(line), access = word(line), offset = word(line);
    (void)word(line);
    const std::string_view inode = word(line);
    const auto dash = range.find('-');
    Mapping m;
    if (dash == std::string_view::npos || access.size() < 3 || access[2] != 'x' ||
        !number(range.substr(0, dash), m.start, 16) || !number(range.substr(dash + 1), m.end, 16) ||
        !number(offset, m.file_offset, 16) || !number(inode, m.file.inode))
      continue;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    m.file.path = line.empty() ? "//anon" : std::string(line);
    list.push_back(std::move(m));
  }
  return list;
}

void ProcTree::visit_thread(pid_t pid, pid_t tid, std::vector<pid_t>& children, std::vector<ThreadLook>& running) {
  const std::string folder = fmt::format("/proc/{}/task/{}/", pid, tid);
  const std::string text = proc_text((folder + "children").c_str());
  for (std::string_view rest = text; !rest.empty();) {
    pid_t child = 0;
    const std::string_view w = word(rest);
    if (w.empty() || !number(w, child)) break;
    children.push_back(child);
  }
  if (pid == root_) return;
  const std::string stat_text = proc_text((folder + "stat").c_str());
  const auto stat = read_thread_stat(stat_text);
  if (!stat) return;
  if (pid == tid) processes_[pid] = {std::string(stat->name), stat->started, stat->code_start};
  if (stat->state != 'R') return;
  ThreadLook look{pid, tid};
  const std::string schedule = proc_text((folder + "schedstat").c_str());
  std::string_view rest = schedule;
  (void)number(word(rest), look.cpu_ns);
  (void)number(word(rest), look.waited_ns);
  running.push_back(look);
}

std::vector<ThreadLook> ProcTree::running() {
  std::vector<ThreadLook> list;
  processes_.clear();
  std::vector<pid_t> waiting = {root_};
  for (std::size_t i = 0; i < waiting.size() && i < most_processes; ++i) {
    const pid_t pid = waiting[i];
    for (const pid_t tid : threads_of(pid)) visit_thread(pid, tid, waiting, list);
  }
  return list;
}

const ProcTree::Process* ProcTree::process(pid_t pid) const {
  const auto at = processes_.find(pid);
  return at == processes_.end() ? nullptr : &at->second;
}

}  // namespace haywatt::trace
