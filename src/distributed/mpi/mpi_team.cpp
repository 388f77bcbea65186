#include "distributed/mpi/mpi_team.hpp"

#include <mpi.h>

#include <algorithm>
#include <climits>

#include "distributed/mpi/channel.hpp"

namespace haywatt::distributed {
namespace {

constexpr int size_tag = 1, piece_tag = 2;
constexpr std::uint64_t piece_B = std::uint64_t{1} << 30;  // a message of MPI holds at most INT_MAX bytes

}  // namespace

MpiTeam::MpiTeam() {
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
}

void MpiTeam::send_to_first(ByteSpan message) {
  const std::uint64_t size = message.size();
  check_mpi(MPI_Send(&size, 1, MPI_UINT64_T, 0, size_tag, MPI_COMM_WORLD), "send");
  for (std::uint64_t at = 0; at < size; at += piece_B)
    check_mpi(MPI_Send(message.data() + at, static_cast<int>(std::min(piece_B, size - at)), MPI_BYTE, 0, piece_tag,
                       MPI_COMM_WORLD),
              "send");
}

ByteVector MpiTeam::receive_from(int member) {
  std::uint64_t size = 0;
  check_mpi(MPI_Recv(&size, 1, MPI_UINT64_T, member, size_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "receive");
  ByteVector message(size);
  for (std::uint64_t at = 0; at < size; at += piece_B)
    check_mpi(MPI_Recv(message.data() + at, static_cast<int>(std::min(piece_B, size - at)), MPI_BYTE, member, piece_tag,
                       MPI_COMM_WORLD, MPI_STATUS_IGNORE),
              "receive");
  return message;
}

void MpiTeam::share_of_first(ByteVector& message) {
  std::uint64_t size = message.size();
  check_mpi(MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), "broadcast");
  message.resize(size);
  for (std::uint64_t at = 0; at < size; at += piece_B)
    check_mpi(
        MPI_Bcast(message.data() + at, static_cast<int>(std::min(piece_B, size - at)), MPI_BYTE, 0, MPI_COMM_WORLD),
        "broadcast");
}

bool MpiTeam::agree(std::uint64_t value) {
  std::uint64_t least = 0, most = 0;
  check_mpi(MPI_Allreduce(&value, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD), "agree");
  check_mpi(MPI_Allreduce(&value, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD), "agree");
  return least == most;
}

}  // namespace haywatt::distributed
