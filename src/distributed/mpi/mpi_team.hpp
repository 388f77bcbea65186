/// The ranks of MPI_COMM_WORLD as a team that compresses one table.
#pragma once
#include "haywatt/codec/chunk_team.hpp"

namespace haywatt::distributed {

class MpiTeam final : public ChunkTeam {
 public:
  MpiTeam();
  [[nodiscard]] int member() const override { return rank_; }
  [[nodiscard]] int members() const override { return ranks_; }
  void send_to_first(ByteSpan message) override;
  [[nodiscard]] ByteVector receive_from(int member) override;
  void share_of_first(ByteVector& message) override;
  [[nodiscard]] bool agree(std::uint64_t value) override;

 private:
  int rank_ = 0, ranks_ = 1;
};

}  // namespace haywatt::distributed
