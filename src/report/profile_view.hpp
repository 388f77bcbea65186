/// What every form of a profile shows, derived once from its record.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "haywatt/metrics/roofline.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt::report {

struct ProfileRow {
  const OperatorRecord* op = nullptr;
  std::string name;  ///< "encode  encoder.0  dense f32"
  double cpu_share = 0.0;
  std::optional<metrics::RooflinePosition> roof;
  const EnergyFigure* joules = nullptr;  ///< attributed, of the basis that the profile shows; nullptr if unknown
};

/// Refers to the record, which must outlive it.
struct ProfileView {
  std::vector<ProfileRow> rows;  ///< by CPU time, most first
  std::string energy_text;       ///< ", 12 J attributed (estimate VM, wall)"; empty if unknown
  std::string peaks_text;        ///< "f32 114 GFLOP/s, f64 58 GFLOP/s, L1 190 GB/s, …", one thread
  /// CPU share of the rows from `first` on.
  [[nodiscard]] double share_beyond(std::size_t first) const;
};

[[nodiscard]] ProfileView profile_view(const ProfileRecord& record);

}  // namespace haywatt::report
