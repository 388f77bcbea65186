#include "meter/tree/control_group.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "haywatt/base/text.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {
namespace {

/// mountinfo writes blanks as octal.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool lists(std::string_view comma_separated, std::string_view word) {
  const auto words = split(comma_separated, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The path of the process within its hierarchy, "" if it is in none.
std::string path_within(std::string_view cgroup, std::string_view controller) {
  for (const std::string& line : split(cgroup, '\n')) {
    const auto first = line.find(':'), second = line.find(':', first == std::string::npos ? first : first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : lists(controllers, controller)) return line.substr(second + 1);
  }
  return {};
}

bool holds_this_process(const std::string& folder) {
  const std::string pids = slurp((folder + "/cgroup.procs").c_str());
  const std::string own = std::to_string(::getpid());
  const auto lines = split(pids, '\n');
  return std::find(lines.begin(), lines.end(), own) != lines.end();
}

/// Groups that the program made in its group and left behind go too, from the innermost.
void remove_group(const std::string& folder, int depth = 0) {
  if (::rmdir(folder.c_str()) == 0 || errno != EBUSY || depth > 16) return;
  if (DIR* d = ::opendir(folder.c_str())) {
    while (const dirent* e = ::readdir(d))
      if (e->d_type == DT_DIR && e->d_name[0] != '.') remove_group(folder + "/" + e->d_name, depth + 1);
    ::closedir(d);
  }
  ::rmdir(folder.c_str());
}

}  // namespace

std::string group_folder(std::string_view mountinfo, std::string_view cgroup, std::string_view controller) {
  const std::string path = path_within(cgroup, controller);
  if (path.empty()) return {};
  for (const std::string& line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto left = split(std::string_view(line).substr(0, dash), ' ');
    const auto right = split(std::string_view(line).substr(dash + 3), ' ');
    if (left.size() < 6 || right.size() < 3) continue;
    if (controller.empty() ? right[0] != "cgroup2" : right[0] != "cgroup" || !lists(right[2], controller)) continue;
    const std::string root = unescaped(left[3]), mount = unescaped(left[4]);
    if (root == "/") return mount + (path == "/" ? "" : path);
    if (path == root || path.starts_with(root + "/")) return mount + path.substr(root.size());
  }
  return {};
}

std::unique_ptr<ControlGroup> ControlGroup::make() {
  const std::string mounts = slurp("/proc/self/mountinfo"), groups = slurp("/proc/self/cgroup");
  for (const bool v2 : {true, false}) {
    const std::string ours = group_folder(mounts, groups, v2 ? "" : "cpuacct");
    if (ours.empty() || !holds_this_process(ours)) continue;
    for (int attempt = 0; attempt < 100; ++attempt) {
      // A number more than the process's own: it may have been here before, or run in another space of numbers.
      const std::string folder = fmt::format("{}/haywatt-{}-{}", ours, ::getpid(), attempt);
      if (::mkdir(folder.c_str(), 0755) != 0) {
        if (errno == EEXIST) continue;
        break;
      }
      std::unique_ptr<ControlGroup> group(new ControlGroup(folder, v2));
      if (group->entrance_ >= 0 && group->cpu_ns()) return group;
      break;
    }
  }
  return nullptr;
}

ControlGroup::ControlGroup(std::string folder, bool v2) : folder_(std::move(folder)), v2_(v2) {
  entrance_ = ::open((folder_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  usage_ = ::open((folder_ + (v2 ? "/cpu.stat" : "/cpuacct.usage")).c_str(), O_RDONLY | O_CLOEXEC);
  if (v2_) folder_fd_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

ControlGroup::~ControlGroup() {
  for (const int fd : {entrance_, usage_, folder_fd_})
    if (fd >= 0) ::close(fd);
  move_out();
  // The kernel may need a moment to let go of a process that was waited for already.
  for (int attempt = 0; attempt < 50; ++attempt) {
    remove_group(folder_);
    if (::access(folder_.c_str(), F_OK) != 0) return;
    ::usleep(1'000);
  }
}

/// What is left running goes back to the group that it would have been in, so that ours can be removed.
void ControlGroup::move_out() const {
  const std::string parent = folder_.substr(0, folder_.rfind('/')) + "/cgroup.procs";
  for (const std::string& pid : haywatt::split(slurp(pids_file().c_str()), '\n')) {
    const int fd = pid.empty() ? -1 : ::open(parent.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    (void)!::write(fd, pid.data(), pid.size());  // it may have ended by now
    ::close(fd);
  }
}

std::optional<std::int64_t> ControlGroup::cpu_ns() noexcept {
  std::array<char, 1024> buffer{};
  const ssize_t n = usage_ < 0 ? -1 : ::pread(usage_, buffer.data(), buffer.size(), 0);
  if (n <= 0) return std::nullopt;
  std::string_view text(buffer.data(), static_cast<std::size_t>(n));
  const auto number = v2_ ? number_after(text, "usage_usec") : next_number(text);
  if (!number) return std::nullopt;
  return static_cast<std::int64_t>(*number) * (v2_ ? 1000 : 1);
}

std::optional<ControlGroup::Split> ControlGroup::split() const {
  if (v2_) {
    const std::string text = slurp((folder_ + "/cpu.stat").c_str());
    const auto user = number_after(text, "user_usec"), system = number_after(text, "system_usec");
    if (!user || !system) return std::nullopt;
    return Split{static_cast<double>(*user) * 1e-6, static_cast<double>(*system) * 1e-6};
  }
  const std::string user_text = slurp((folder_ + "/cpuacct.usage_user").c_str());
  const std::string system_text = slurp((folder_ + "/cpuacct.usage_sys").c_str());
  std::string_view u = user_text, s = system_text;
  const auto user = next_number(u), system = next_number(s);
  if (!user || !system) return std::nullopt;
  return Split{static_cast<double>(*user) * 1e-9, static_cast<double>(*system) * 1e-9};
}

}  // namespace haywatt::meter
