/// Starting haywatt-mpi under mpirun, on ranks that share memory or lie in network namespaces of their own with a cable
/// between them.
#pragma once
#include <memory>
#include <string>
#include <vector>

namespace haywatt::distributed {

/// Where mpirun and haywatt-mpi are. haywatt-mpi is looked for in HAYWATT_PLUGIN_DIR and beside this program.
/// Error(Unavailable), naming what to install, if either is missing.
struct MpiPrograms {
  std::string mpirun, worker;
};
[[nodiscard]] MpiPrograms find_mpi();

/// Two network namespaces joined by a veth pair, each end's way out ready for tc, and a script by which mpirun starts
/// its daemon in the other one. Gone with the object, whatever happens before. Needs root (CAP_SYS_ADMIN and
/// CAP_NET_ADMIN) and Debian's iproute2.
class LinkedNamespaces {
 public:
  /// Nothing, with the reason in `why`, where this is not permitted.
  [[nodiscard]] static std::unique_ptr<LinkedNamespaces> make(std::string& why);
  ~LinkedNamespaces();
  LinkedNamespaces(const LinkedNamespaces&) = delete;
  LinkedNamespaces& operator=(const LinkedNamespaces&) = delete;
  /// By rank.
  [[nodiscard]] const std::vector<std::string>& devices() const { return devices_; }
  /// mpirun with `arguments`, started in the first namespace, rank 1 in the second.
  [[nodiscard]] std::vector<std::string> command(const MpiPrograms& programs,
                                                 const std::vector<std::string>& arguments) const;

 private:
  LinkedNamespaces() = default;
  std::vector<std::string> names_, addresses_, devices_;
  std::string agent_;
};

/// mpirun with `ranks` ranks on this machine: over shared memory, or over TCP through the loopback device.
[[nodiscard]] std::vector<std::string> local_command(const MpiPrograms& programs, int ranks, bool tcp,
                                                     const std::vector<std::string>& arguments);

/// Sets what mpirun and its ranks need in this process's environment: leave for root, one thread a rank.
void prepare_mpi_environment();

/// One line from what mpirun wrote to its standard error: our own message, or which rank was ended by which signal.
[[nodiscard]] std::string explain_mpirun(const std::string& last_words, int exit_code);

}  // namespace haywatt::distributed
