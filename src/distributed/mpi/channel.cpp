#include "distributed/mpi/channel.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <climits>

#include "haywatt/base/error.hpp"

namespace haywatt::distributed {
namespace {

constexpr int stamp_tag = 1000;  // of the small message before a delayed one
constexpr timespec nap = {0, 50'000};
constexpr timespec long_nap = {0, 200'000};

double clock_s(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

int count_of(std::size_t bytes) {
  if (bytes > INT_MAX)
    fail_usage(fmt::format("a message of {} bytes: at most 2 GiB are possible; give a smaller batch", bytes));
  return static_cast<int>(bytes);
}

}  // namespace

double now_s() { return clock_s(CLOCK_MONOTONIC); }
double cpu_now_s() { return clock_s(CLOCK_PROCESS_CPUTIME_ID); }

void spin_until(double time_s) {
  while (now_s() < time_s) {
  }
}

void check_mpi(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  fail_system(fmt::format("MPI cannot {}: {}", what, std::string_view(text, static_cast<std::size_t>(length))));
}

Channel::Channel(MPI_Comm comm, Waiting waiting) : comm_(comm), waiting_(waiting) {
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm, &rank_);
  MPI_Comm_size(comm, &ranks_);
}

void Channel::set_latency(double latency_s, const LinkModel& undelayed) {
  latency_s_ = latency_s;
  undelayed_ = undelayed;
  link_free_s_.clear();
}

void Channel::send(int to, int tag, const void* data, std::size_t bytes, Transfer& transfer) {
  transfer.source = -1;
  transfer.bytes = bytes;
  if (latency_s_ > 0.0) {
    transfer.sent_ns = static_cast<std::int64_t>(now_s() * 1e9);
    check_mpi(MPI_Isend(&transfer.sent_ns, sizeof transfer.sent_ns, MPI_BYTE, to, stamp_tag + tag, comm_,
                        &transfer.requests[1]),
              "send");
  }
  check_mpi(MPI_Isend(data, count_of(bytes), MPI_BYTE, to, tag, comm_, &transfer.requests[0]), "send");
}

void Channel::receive(int from, int tag, void* data, std::size_t bytes, Transfer& transfer) {
  transfer.source = from;
  transfer.bytes = bytes;
  if (latency_s_ > 0.0)
    check_mpi(MPI_Irecv(&transfer.sent_ns, sizeof transfer.sent_ns, MPI_BYTE, from, stamp_tag + tag, comm_,
                        &transfer.requests[1]),
              "receive");
  check_mpi(MPI_Irecv(data, count_of(bytes), MPI_BYTE, from, tag, comm_, &transfer.requests[0]), "receive");
}

bool Channel::done(Transfer& transfer) {
  int flag = 0;
  check_mpi(MPI_Testall(2, transfer.requests, &flag, MPI_STATUSES_IGNORE), "finish a transfer");
  return flag != 0;
}

void Channel::wait(Transfer& transfer) {
  const double began = now_s();
  // MPI looks at the network at times only: what has long arrived may need a second question.
  for (int questions = 0; !done(transfer); ++questions)
    if (waiting_ == Waiting::Sleep && questions >= 2) ::nanosleep(&nap, nullptr);
  if (latency_s_ <= 0.0 || transfer.source < 0) return;
  const double seen = now_s(), sent = 1e-9 * static_cast<double>(transfer.sent_ns);
  double& free = link_free_s_[transfer.source];
  const double start = std::max(sent, free);
  const double reckoned = start + seconds_of(undelayed_.one_way, transfer.bytes);
  free = start + undelayed_.one_way.back().beta_s_per_B * static_cast<double>(transfer.bytes);
  const double deliver = (reckoned < began ? reckoned : seen) + latency_s_;
  if (waiting_ == Waiting::Spin) return spin_in_mpi(deliver);
  while (now_s() < deliver) {
    const auto left_ns = static_cast<std::int64_t>(1e9 * std::max(0.0, deliver - now_s()));
    const timespec t = {left_ns / 1'000'000'000, left_ns % 1'000'000'000};
    ::nanosleep(&t, nullptr);
  }
}

/// A rank that waits for a message is in MPI: what others sent it moves meanwhile.
void Channel::spin_in_mpi(double until_s) {
  constexpr int no_tag = 2'000;  // no message has it
  for (int flag = 0; now_s() < until_s;)
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, no_tag, comm_, &flag, MPI_STATUS_IGNORE), "look at its messages");
}

void Channel::meet() {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_, &request), "meet");
  for (int flag = 0;;) {
    check_mpi(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "meet");
    if (flag != 0) return;
    ::nanosleep(&long_nap, nullptr);
  }
}

double Channel::agree_on_start() {
  constexpr double ahead_s = 3e-3;
  meet();
  double start = now_s() + ahead_s;
  check_mpi(MPI_Bcast(&start, 1, MPI_DOUBLE, 0, comm_), "agree on a start");
  return start;
}

}  // namespace haywatt::distributed
