// SPDX-License-Identifier: Apache-2.0
// Errors, sorted by whose fault they are.
//
//   configuration  Diagnostic, collected and reported all at once; exit 2
//   data           DataError, a value on the sample; quarantined, never an exception
//   environment    EnvironmentError, stops the run so that it can go on later; exit 5
//   output         OutputBusyError, exists or is locked, exit 6; ResumeRefusedError, exit 7
//   network        ModelRejectedError, exit 8
//   internal       InternalError from PIXLOOM_CHECK, our bug; exit 70
//
// The one who detects an error words it (value, rule, remedy; lower case, no full stop); everyone
// else passes it on. All types here are values: copy them freely, share const ones across threads.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pixloom {

// A place in a configuration file. Lines and columns count from 1; line 0 means "no position".
struct Position {
  std::string file;
  int line = 0;
  int column = 0;

  // "file:line:column", or whatever part of it is known.
  std::string Text() const;
};

enum class Severity { kNotice, kError };

// One finding about a configuration. `code` is stable and machine readable ("CFG-KEY").
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;
  Position at;
  std::string text;

  // "pipeline.yaml:14:7: error[CFG-KEY] unknown key 'x'; did you mean 'y'?"
  std::string Text() const;
};

// Collects diagnostics; a pass reports everything it finds before anyone gives up.
class Diagnostics {
 public:
  void Error(std::string code, Position at, std::string text);
  void Notice(std::string code, Position at, std::string text);

  bool HasErrors() const { return errors_ > 0; }
  int ErrorCount() const { return errors_; }
  const std::vector<Diagnostic>& All() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  int errors_ = 0;
};

// What is wrong with one input. A function of input bytes and configuration only: anything that
// depends on the machine is an EnvironmentError instead.
struct DataError {
  std::string code;     // "DEC-TRUNC"
  std::string message;  // "JPEG ends early; rows 112..479 of 480 missing"
  std::string remedy;   // "set truncated: accept at the source to keep it"; may be empty
  std::string node;     // filled in at the node boundary
};

// A value or the reason why there is none. E is DataError unless said otherwise.
template <class T, class E = DataError>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool Ok() const { return state_.index() == 0; }
  explicit operator bool() const { return Ok(); }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const E& Error() const { return std::get<1>(state_); }

 private:
  std::variant<T, E> state_;
};

// Disk full, I/O error, out of memory, GPU lost: the run stops and can be resumed.
class EnvironmentError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The configuration cannot be run; carries everything that was found.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(Diagnostics diagnostics);
  const Diagnostics& Found() const { return diagnostics_; }
  // Nothing is wrong but networks that were rejected.
  bool OnlyModels() const;

 private:
  Diagnostics diagnostics_;
};

// Output exists or is locked; exit 6.
class OutputBusyError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A stopped run cannot go on: configuration, inputs or versions are others now; exit 7.
class ResumeRefusedError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A network cannot be used: damaged, of another shape than its description, wrong numbers; exit 8.
class ModelRejectedError : public std::runtime_error {
 public:
  ModelRejectedError(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& Code() const { return code_; }  // "MOD-CHECK"

 private:
  std::string code_;
};

class InternalError : public std::logic_error {
  using std::logic_error::logic_error;
};

[[noreturn]] void FailCheck(const char* condition, const char* file, int line,
                            const std::string& detail);

// True by construction; if not, it is our bug. Stays on in release builds.
#define PIXLOOM_CHECK(condition, detail)                              \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::pixloom::FailCheck(#condition, __FILE__, __LINE__, (detail)); \
  } while (false)

// Process exit codes; the command line and scripts rely on them.
enum ExitCode : int {
  kExitOk = 0,
  kExitConfig = 2,
  kExitSomeQuarantined = 3,
  kExitTooManyBad = 4,
  kExitEnvironment = 5,
  kExitOutputBusy = 6,
  kExitResumeRefused = 7,
  kExitModelRejected = 8,
  kExitInternal = 70,
  kExitInterrupted = 130,
  kExitTerminated = 143,
};

}  // namespace pixloom
