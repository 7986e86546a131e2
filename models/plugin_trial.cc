// SPDX-License-Identifier: Apache-2.0
#include "models/plugin_trial.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio_ext.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string_view>

#include <fmt/format.h>
#include <xxhash.h>

#include "models/plugin_abi.h"
#include "pipeline/survey_cache.h"
#include "pipeline/value.h"
#include "pipeline/version.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Libraries of several hundred megabytes come from slow disks.
constexpr std::chrono::seconds kLimit{60};
constexpr char kDone = '\0';  // what the child says last; no text contains it
constexpr std::size_t kMostSaid = 16 << 10;

// ---- In the child -----------------------------------------------------------------------------

// Handlers of the program must not run here; what a terminal sends to all is for the parent.
void DefaultSignals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What it prints goes to the parent. Other files of the program are not its business: a lock or
// a socket would stay open as long as it hangs.
void OnlyStandardFiles(int said) {
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(said, STDOUT_FILENO);
  ::dup2(said, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
}

// An exception ends the child, too: it must not get back into the program.
[[noreturn]] void LoadAndEnd(const char* library, int said, unsigned seconds) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  DefaultSignals();
  ::alarm(seconds + 5);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  OnlyStandardFiles(said);
  // What the program has yet to print, and do at its end, is not for the child to do.
  ::__fpurge(stdout);
  ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
  if (void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL)) {
    if (void* symbol = ::dlsym(handle, PIXLOOM_PLUGIN_ENTRY)) {
      const auto entry = reinterpret_cast<pixloom_plugin_entry_fn>(symbol);
      const pixloom_plugin_info* info = nullptr;
      const pixloom_backend* backend = nullptr;
      std::array<char, 1024> error{};
      entry(PIXLOOM_ABI_VERSION, &info, &backend, error.data(),
            static_cast<std::uint32_t>(error.size()));
    }
  }
  while (::write(STDERR_FILENO, &kDone, 1) < 0 && errno == EINTR) {
  }
  ::_exit(0);
}

// ---- In the parent ----------------------------------------------------------------------------

struct Heard {
  std::string said;
  bool done = false;  // the child came to its end
  bool closed = false;
};

// Takes what there is to read.
void Drain(int from, Heard& heard) {
  std::array<char, 4096> part;
  while (!heard.done && !heard.closed) {
    const ssize_t n = ::read(from, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    const std::string_view text(part.data(), static_cast<std::size_t>(n));
    heard.closed = n == 0;
    heard.done = text.find(kDone) != text.npos;
    heard.said += text;
    if (heard.said.size() > kMostSaid) heard.said.erase(0, heard.said.size() - kMostSaid);
  }
}

// "; it said 'terminate called after ...'": the last line that is not empty.
std::string LastWords(const std::string& said) {
  const std::size_t end = said.find_last_not_of(" \n");
  if (end == std::string::npos) return "";
  const std::size_t newline = said.rfind('\n', end);
  const std::size_t begin = said.find_first_not_of(' ', newline + 1);  // npos + 1 is 0
  return fmt::format("; it said {}", Quoted(said.substr(begin, end + 1 - begin)));
}

std::string Verdict(int status, const std::string& said) {
  if (WIFSIGNALED(status)) {
    return fmt::format("crashes while it is loaded (signal {}){}", WTERMSIG(status),
                       LastWords(said));
  }
  return fmt::format("ends the program while it is loaded (exit code {}){}", WEXITSTATUS(status),
                     LastWords(said));
}

std::string Watch(pid_t child, int from, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  Heard heard;
  int status = 0;
  pid_t ended = 0;  // 0: not yet
  while (ended == 0 && !heard.done && Clock::now() < deadline) {
    pollfd wanted{heard.closed ? -1 : from, POLLIN, 0};
    ::poll(&wanted, 1, 5);
    Drain(from, heard);
    if (!heard.done) ended = ::waitpid(child, &status, WNOHANG);
  }
  const bool late = ended == 0 && !heard.done;
  if (late) ::kill(child, SIGKILL);
  if (ended == 0) {
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Drain(from, heard);
  if (heard.done) return "";
  if (late) {
    return fmt::format("does not finish loading within {} s{}",
                       std::chrono::duration<double>(limit).count(), LastWords(heard.said));
  }
  // The program around us took the status away: it did not come to its end, that is all we know.
  if (ended < 0) return "crashes while it is loaded" + LastWords(heard.said);
  return Verdict(status, heard.said);
}

// Where it is remembered that a library loaded well; "" where there is no cache.
std::string MemoryOf(const std::string& library) {
  const fs::path surveys = SurveyFolder();
  if (surveys.empty()) return "";
  return fmt::format("{}/plugins/{:016x}", surveys.parent_path().string(),
                     XXH64(library.data(), library.size(), 0));
}

// What must not have changed.
std::string StateOf(const std::string& library) {
  struct stat facts = {};
  if (::stat(library.c_str(), &facts) != 0) return "";
  return fmt::format("{}\n{}\n{} {}.{:09} {}.{:09}\n", kVersion, library, facts.st_size,
                     facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_ctim.tv_sec,
                     facts.st_ctim.tv_nsec);
}

// True when it loaded well before; the memory is gone then.
bool TakeMemory(const std::string& library) {
  const std::string file = MemoryOf(library);
  std::error_code ignored;
  if (file.empty() || !fs::is_regular_file(file, ignored)) return false;
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return text == StateOf(library) && fs::remove(file, ignored);
}

}  // namespace

std::string TryPlugin(const std::string& library, std::chrono::milliseconds limit) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "";  // no trial, and no reason to refuse
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limit).count();
  const pid_t child = ::fork();
  if (child == 0) LoadAndEnd(library.c_str(), ends[1], static_cast<unsigned>(seconds));
  ::close(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const std::string problem = child < 0 ? "" : Watch(child, ends[0], limit);
  ::close(ends[0]);
  return problem;
}

std::string BeforeLoading(const std::string& library) {
  // Someone who asks again need not wait for a crash or the limit again.
  static std::mutex mutex;
  static auto& bad = *new std::map<std::string, std::string>;  // state -> problem
  const std::string state = StateOf(library);
  const std::lock_guard lock(mutex);
  if (const auto known = bad.find(state); known != bad.end()) return known->second;
  if (TakeMemory(library)) return "";
  std::string problem = TryPlugin(library, kLimit);
  if (!problem.empty()) bad[state] = problem;
  return problem;
}

void AfterLoading(const std::string& library) {
  const std::string file = MemoryOf(library);
  if (file.empty()) return;
  // Half a text is none; without a cache there is a trial each time.
  std::error_code ignored;
  fs::create_directories(fs::path(file).parent_path(), ignored);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << StateOf(library);
}

}  // namespace pixloom
