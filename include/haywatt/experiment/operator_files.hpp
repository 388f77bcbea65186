/// Operators of Haywatt's own programs when they run below `haywatt profile -- CMD`: each process writes what it heard
/// into a folder, and the profiler adds it up.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "haywatt/record/profile.hpp"
#include "haywatt/trace/operator_recorder.hpp"

namespace haywatt::experiment {

/// Names the folder; set by the profiler.
inline constexpr const char* operator_folder_variable = "HAYWATT_OPERATORS";

/// Listens for its lifetime if the variable is set, and writes PID.json into the folder at the end. What goes wrong
/// with the file is passed over: the program has other things to do. One a process, made before threads are.
class OperatorFile {
 public:
  OperatorFile();
  ~OperatorFile();
  OperatorFile(const OperatorFile&) = delete;
  OperatorFile& operator=(const OperatorFile&) = delete;

 private:
  std::string path_;
  std::unique_ptr<trace::OperatorRecorder> recorder_;
};

/// The profiler's side: a folder, named in the environment for whoever is started, and removed at the end.
class OperatorFolder {
 public:
  OperatorFolder();
  ~OperatorFolder();
  OperatorFolder(const OperatorFolder&) = delete;
  OperatorFolder& operator=(const OperatorFolder&) = delete;
  /// Adds the operators of all processes to the record (at most 256 files of 16 MB; a damaged one is passed over, with
  /// a note), then shares out the energy of its phases (share_energy). Nothing if no process announced any. Timelines
  /// of several processes are not merged: they have different clocks' starts.
  void collect(ProfileRecord& record) const;

 private:
  std::string folder_;  ///< empty: could not be made
};

}  // namespace haywatt::experiment
