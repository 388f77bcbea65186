/// The files that a profile is written to, whatever was profiled.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "haywatt/base/file.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt::cli {

struct ProfileFiles {
  std::string record, html, folded, speedscope, chrome, csv;  ///< files to write; empty: not
  bool force = false;
};

/// Made before anything runs: what stands in a file's way is told now, not after hours.
class ProfileOutputs {
 public:
  explicit ProfileOutputs(const ProfileFiles& files);
  /// Writes all of them and returns their names.
  std::vector<std::string> write(const ProfileRecord& record);

 private:
  using Form = std::string (*)(const ProfileRecord&);
  struct Output {
    std::unique_ptr<AtomicFile> file;
    Form form;
  };
  std::vector<Output> outputs_;
};

}  // namespace haywatt::cli
