// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "datasets/hdf5_describe.h"
#include "datasets/hdf5_handle.h"
#include "datasets/hdf5_wire.h"

namespace pixloom {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSocket = 3;  // in the child
constexpr std::uint64_t kMostQuestion = std::uint64_t{1} << 20;
// Time on the clock per second of processor time: the machine may be busy with other things.
constexpr int kWallPerCpu = 3;

// ---- In the child -----------------------------------------------------------------------------

void CloseOthers(int socket) {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < kSocket; ++fd) ::dup2(null, fd);
  ::dup2(socket, kSocket);
  if (::close_range(kSocket + 1, ~0U, 0) == 0) return;
  const long most = std::clamp(::sysconf(_SC_OPEN_MAX), 256L, 65'536L);
  for (int fd = kSocket + 1; fd < most; ++fd) ::close(fd);
}

// Whatever handlers the program has must not run here. Signals that a terminal or a supervisor
// sends to the whole group are for the parent to answer: the child ends when the parent does.
void DefaultSignals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::uint64_t MappedBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  unsigned long long pages = 0;
  if (file != nullptr) {
    if (std::fscanf(file, "%llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void SetLimit(__rlimit_resource_t resource, std::uint64_t value) {
  rlimit limit = {};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(value, limit.rlim_max);
  if (resource != RLIMIT_CPU) limit.rlim_max = limit.rlim_cur;  // that one is raised again
  ::setrlimit(resource, &limit);
}

// For the next question.
void GiveTime(int seconds) {
  rusage used = {};
  ::getrusage(RUSAGE_SELF, &used);
  const auto spent = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
  SetLimit(RLIMIT_CPU, static_cast<std::uint64_t>(spent) + static_cast<std::uint64_t>(seconds) + 1);
  // Should the parent die while this hangs.
  ::alarm(static_cast<unsigned>(seconds) * kWallPerCpu + 10);
}

void ReceiveAll(std::uint8_t* to, std::size_t count) {
  while (count > 0) {
    const ssize_t n = ::recv(kSocket, to, count, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(0);  // the parent let go, or is dead
    to += n;
    count -= static_cast<std::size_t>(n);
  }
}

void SendAll(const std::uint8_t* from, std::size_t count) {
  while (count > 0) {
    const ssize_t n = ::send(kSocket, from, count, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(0);
    from += n;
    count -= static_cast<std::size_t>(n);
  }
}

[[noreturn]] void Serve(int socket, const Hdf5Target& target, const Hdf5Limits& limits) {
  DefaultSignals();
  CloseOthers(socket);
  SetLimit(RLIMIT_CORE, 0);
  SetLimit(RLIMIT_FSIZE, 0);
  SetLimit(RLIMIT_NOFILE, 4096);  // a virtual dataset opens all its sources
  SetLimit(RLIMIT_AS, MappedBytes() + limits.memory);
  Hdf5Describer describer(target, limits);
  while (true) {
    ::alarm(0);
    std::uint64_t size = 0;
    ReceiveAll(reinterpret_cast<std::uint8_t*>(&size), sizeof size);
    if (size > kMostQuestion) ::_exit(1);
    std::vector<std::uint8_t> question(size);
    ReceiveAll(question.data(), size);
    GiveTime(limits.seconds);
    std::vector<std::uint8_t> answer;
    std::string error;
    try {
      answer = describer.Answer(WireReader(question));
    } catch (const std::bad_alloc&) {
      error = fmt::format("needs more than {} MiB of memory", limits.memory >> 20);
    } catch (const std::exception& e) {
      error = *e.what() != 0 ? e.what() : "cannot be read";
    }
    const auto bytes =
        error.empty()
            ? std::span<const std::uint8_t>(answer)
            : std::span(reinterpret_cast<const std::uint8_t*>(error.data()), error.size());
    const std::array<std::uint64_t, 2> head{error.empty() ? 0U : 1U, bytes.size()};
    SendAll(reinterpret_cast<const std::uint8_t*>(head.data()), sizeof head);
    SendAll(bytes.data(), bytes.size());
  }
}

// ---- In the parent ----------------------------------------------------------------------------

enum class Transfer { kDone, kEnded, kTooSlow };

// Moves `count` bytes by `move(at, left)` before the deadline.
template <class Move>
Transfer MoveAll(int socket, short event, std::size_t count, Clock::time_point deadline,
                 Move move) {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t n = move(done, count - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    if (n == 0) return Transfer::kEnded;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Transfer::kEnded;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wanted{socket, event, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready == 0) return Transfer::kTooSlow;
  }
  return Transfer::kDone;
}

}  // namespace

Hdf5Child::Hdf5Child(const Hdf5Target& target, const Hdf5Limits& limits)
    : seconds_(limits.seconds), owner_(::getpid()) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw EnvironmentError(
        fmt::format("cannot start a process to read '{}': {}", target.path, ErrnoText(errno)));
  }
  socket_ = FileHandle(pair[0]);
  FileHandle theirs(pair[1]);
  {
    // So that no other thread is inside HDF5, which the child then could not enter.
    const Hdf5Session session;
    child_ = ::fork();
    if (child_ == 0) {
      try {
        Serve(theirs.Get(), target, limits);
      } catch (...) {
      }
      ::_exit(1);
    }
  }
  if (child_ < 0) {
    throw EnvironmentError(
        fmt::format("cannot start a process to read '{}': {}", target.path, ErrnoText(errno)));
  }
}

Hdf5Child::~Hdf5Child() {
  if (Usable()) End(false);
}

bool Hdf5Child::Usable() const { return child_ > 0 && owner_ == ::getpid(); }

std::string Hdf5Child::End(bool too_slow) {
  socket_.Reset();
  // One that crashed is dead already; that, not our signal, is then its end.
  int status = 0;
  pid_t waited = 0;
  if (!too_slow) waited = ::waitpid(child_, &status, WNOHANG);
  if (waited == 0) {
    ::kill(child_, SIGKILL);
    do {
      waited = ::waitpid(child_, &status, 0);
    } while (waited < 0 && errno == EINTR);
  }
  child_ = -1;
  if (too_slow) {
    return fmt::format("HDF5 did not finish within {} s; the file is damaged, or too large",
                       seconds_ * kWallPerCpu);
  }
  if (waited < 0 || !WIFSIGNALED(status)) return "the process that reads it with HDF5 ended";
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU) {
    return fmt::format(
        "HDF5 took more than {} s of processor time; the file is damaged, or too large", seconds_);
  }
  if (signal == SIGKILL) return "the process that reads it with HDF5 was killed (signal 9)";
  return fmt::format("HDF5 crashed while reading it (signal {}); the file is damaged", signal);
}

Result<std::vector<std::uint8_t>, std::string> Hdf5Child::Ask(
    std::span<const std::uint8_t> question, std::uint64_t most) {
  PIXLOOM_CHECK(Usable(), "asked a child that ended");
  const auto deadline = Clock::now() + std::chrono::seconds(seconds_ * kWallPerCpu);
  const int socket = socket_.Get();
  const auto send = [&](const void* bytes, std::size_t count) {
    return MoveAll(socket, POLLOUT, count, deadline, [&](std::size_t at, std::size_t left) {
      return ::send(socket, static_cast<const char*>(bytes) + at, left,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    });
  };
  const auto receive = [&](void* bytes, std::size_t count) {
    return MoveAll(socket, POLLIN, count, deadline, [&](std::size_t at, std::size_t left) {
      return ::recv(socket, static_cast<char*>(bytes) + at, left, MSG_DONTWAIT);
    });
  };
  const std::uint64_t size = question.size();
  PIXLOOM_CHECK(size <= kMostQuestion, "question too long");
  std::array<std::uint64_t, 2> head{};
  Transfer transfer = send(&size, sizeof size);
  if (transfer == Transfer::kDone) transfer = send(question.data(), question.size());
  if (transfer == Transfer::kDone) transfer = receive(head.data(), sizeof head);
  if (transfer != Transfer::kDone) return End(transfer == Transfer::kTooSlow);
  if (head[1] > most) {
    End(false);
    return fmt::format("HDF5 gives {} bytes where {} are the limit", head[1], most);
  }
  std::vector<std::uint8_t> answer(head[1]);
  transfer = receive(answer.data(), answer.size());
  if (transfer != Transfer::kDone) return End(transfer == Transfer::kTooSlow);
  if (head[0] != 0) return std::string(answer.begin(), answer.end());
  return answer;
}

}  // namespace pixloom
