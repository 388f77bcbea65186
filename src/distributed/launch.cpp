#include "haywatt/distributed/launch.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "distributed/spawn.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::distributed {
namespace {

namespace fs = std::filesystem;

constexpr const char* worker_name = "haywatt-mpi";
constexpr const char* subnet = "10.213.77.0/24";  // seen only inside the namespaces
constexpr const char* prefix = "haywatt-";

std::string find_mpirun() {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "/usr/bin" : path, ':'))
    if (const std::string file = folder + "/mpirun"; ::access(file.c_str(), X_OK) == 0) return file;
  fail_unavailable("mpirun is not in PATH: install Open MPI (Debian: openmpi-bin)");
}

std::string find_worker() {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv("HAYWATT_PLUGIN_DIR"); named != nullptr && *named != '\0')
    folders.emplace_back(named);
  std::error_code none;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", none); !self.empty())
    folders.push_back(self.parent_path());
  std::string looked;
  for (const fs::path& folder : folders) {
    if (const fs::path file = folder / worker_name; ::access(file.c_str(), X_OK) == 0) return file.string();
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  fail_unavailable(std::string(worker_name) + " is not in " + looked +
                   ": it is built where libopenmpi-dev and libopenblas-dev are installed");
}

/// Namespaces of a process that was killed before it could take them away.
void remove_leftovers() {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/run/netns", none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const auto parts = split(name.substr(std::string(prefix).size()), '-');
    const auto pid = parts.size() == 2 ? parse_u64(parts[0]) : std::nullopt;
    if (pid && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH)
      static_cast<void>(run_program({"ip", "netns", "del", name}, true));
  }
}

std::vector<std::string> common_options() {
  return {"--bind-to", "none", "--timeout", "1800", "--mca", "btl_vader_eager_limit", "4096"};
}

void add(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

MpiPrograms find_mpi() { return {find_mpirun(), find_worker()}; }

std::unique_ptr<LinkedNamespaces> LinkedNamespaces::make(std::string& why) {
  if (::geteuid() != 0) {
    why = "network namespaces need root";
    return nullptr;
  }
  remove_leftovers();
  std::unique_ptr<LinkedNamespaces> made(new LinkedNamespaces);
  const long pid = ::getpid();
  for (int i = 0; i < 2; ++i) {
    made->addresses_.push_back(fmt::format("10.213.77.{}", i + 1));
    made->devices_.push_back(fmt::format("hw{}{}", pid, "ab"[i]));
  }
  const auto step = [&](std::vector<std::string> words) {
    if (const int code = run_program(words, true); code != 0) {
      why = fmt::format("'{}' failed with exit code {}{}", fmt::join(words, " "), code,
                        code == 127 ? " (Debian: iproute2)" : ": is this a container without CAP_NET_ADMIN?");
      return false;
    }
    return true;
  };
  for (int i = 0; i < 2; ++i) {
    const std::string name = fmt::format("{}{}-{}", prefix, pid, i);
    if (!step({"ip", "netns", "add", name})) return nullptr;
    made->names_.push_back(name);
  }
  const auto& d = made->devices_;
  if (!step({"ip", "link", "add", d[0], "netns", made->names_[0], "type", "veth", "peer", "name", d[1], "netns",
             made->names_[1]}))
    return nullptr;
  for (int i = 0; i < 2; ++i)
    if (!step({"ip", "-n", made->names_[i], "addr", "add", made->addresses_[i] + "/24", "dev", d[i]}) ||
        !step({"ip", "-n", made->names_[i], "link", "set", d[i], "up"}) ||
        !step({"ip", "-n", made->names_[i], "link", "set", "lo", "up"}) ||
        !step({"ip", "netns", "exec", made->names_[i], "tc", "qdisc", "replace", "dev", d[i], "root", "tbf", "rate",
               "1gbit", "burst", "131072", "limit", "67108864"}))
      return nullptr;
  // mpirun calls it as it would call ssh: address, then the command for the other machine's shell.
  made->agent_ = fmt::format("{}/haywatt-agent-{}.sh", fs::temp_directory_path().string(), pid);
  write_text_file(made->agent_,
                  fmt::format("#!/bin/sh\nshift\nexec ip netns exec {} unshare --uts sh -c \"hostname {}; $*\"\n",
                              made->names_[1], made->names_[1]));
  ::chmod(made->agent_.c_str(), 0700);
  return made;
}

LinkedNamespaces::~LinkedNamespaces() {
  // The cable goes with either end.
  for (const std::string& name : names_) static_cast<void>(run_program({"ip", "netns", "del", name}, true));
  if (!agent_.empty()) ::unlink(agent_.c_str());
}

std::vector<std::string> LinkedNamespaces::command(const MpiPrograms& programs,
                                                   const std::vector<std::string>& arguments) const {
  // The daemons tell machines apart by their names, so each namespace gets one.
  std::vector<std::string> words = {"ip",
                                    "netns",
                                    "exec",
                                    names_[0],
                                    "unshare",
                                    "--uts",
                                    "sh",
                                    "-c",
                                    "hostname \"$0\"; exec \"$@\"",
                                    names_[0],
                                    programs.mpirun,
                                    "-n",
                                    "2",
                                    "--host",
                                    addresses_[0] + ":1," + addresses_[1] + ":1",
                                    "--mca",
                                    "plm_rsh_agent",
                                    agent_,
                                    "--mca",
                                    "btl",
                                    "tcp,self",
                                    "--mca",
                                    "btl_tcp_if_include",
                                    subnet,
                                    "--mca",
                                    "oob_tcp_if_include",
                                    subnet};
  add(words, common_options());
  words.push_back(programs.worker);
  add(words, arguments);
  return words;
}

std::vector<std::string> local_command(const MpiPrograms& programs, int ranks, bool tcp,
                                       const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {programs.mpirun, "-n", std::to_string(ranks), "--oversubscribe"};
  if (tcp)
    add(words, {"--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "lo"});
  else
    add(words, {"--mca", "btl", "vader,self"});
  add(words, common_options());
  words.push_back(programs.worker);
  add(words, arguments);
  return words;
}

void prepare_mpi_environment() {
  ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
  ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  for (const char* name : {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}) ::setenv(name, "1", 1);
}

std::string explain_mpirun(const std::string& last_words, int exit_code) {
  std::string last;
  constexpr std::string_view own = "haywatt-mpi: ";
  for (const std::string& line : split(last_words, '\n')) {
    if (line.starts_with(own)) return line.substr(own.size());
    if (const auto at = line.find("noticed that process rank "); at != std::string::npos) {
      // "mpirun noticed that process rank 1 with PID 0 on node x exited on signal 9 (Killed)."
      const auto rank = split(line.substr(at + 26), ' ').front();
      const auto signal = line.find("exited on signal ");
      return fmt::format(
          "rank {} was ended{}", rank,
          signal == std::string::npos ? "" : " by " + line.substr(signal + 10, line.find(')') - signal - 9));
    }
    if (line.find("time limit for job execution") != std::string::npos) return "the ranks took too long and were ended";
    if (!line.empty() && line.find_first_not_of("-=*_ ") != std::string::npos) last = line;
  }
  return fmt::format("mpirun failed with exit code {}{}", exit_code, last.empty() ? "" : ": " + last);
}

}  // namespace haywatt::distributed
