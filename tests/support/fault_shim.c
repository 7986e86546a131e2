// SPDX-License-Identifier: Apache-2.0
// A disk that fails when told to: preloaded into a program (LD_PRELOAD), it counts the calls that
// reach files below one folder and lets one of them go wrong. Every call is a system call here, so
// nothing of libc's own hides one; what a program maps into memory is not seen.
//
//   FAULT_ROOT    folder; without it nothing happens
//   FAULT_CALL    classes that count, comma separated: open (with mkdir), write, space (ftruncate,
//                 fallocate), fsync, rename (with link), unlink (with rmdir), read; default: all
//                 but read
//   FAULT_NTH     the call of these classes that fails, from 1; 0: none
//   FAULT_KIND    ENOSPC, EDQUOT, EIO, EINTR: the call fails; SHORT: half of the bytes;
//                 KILL: the process dies before the call, KILL_AFTER: after it, KILL_HALF: after
//                 half of the bytes
//   FAULT_STICKY  1: all later calls fail as well
//   FAULT_LOG     file: one line per counted call, "N CLASS FUNCTION PATH"
//   FAULT_SHADOW  folder: what has reached the disk. Every fsync of a file leaves a copy of it
//                 (f-INODE), every fsync of a folder its listing (d-INODE); power_loss.py makes a
//                 folder of it again.
//
// Thread-safe. Forked children count along; programs that they start do not.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum Class { kOpen, kWrite, kSpace, kSync, kRename, kUnlink, kRead, kClasses };
static const char* const kClassNames[kClasses] = {"open",   "write",  "space", "fsync",
                                                  "rename", "unlink", "read"};
enum Kind { kError, kShort, kKill, kKillAfter, kKillHalf };
// What becomes of a call: kFail has set errno.
enum Verdict { kGo, kFail, kHalf, kThenDie, kHalfThenDie };

static char root[PATH_MAX], shadow[PATH_MAX];
static int counted[kClasses];
static long nth, sticky;
static enum Kind kind;
static int error_number, log_fd = -1;
static pid_t owner;
static long* counter;  // shared with forked children
static pthread_mutex_t shadow_lock = PTHREAD_MUTEX_INITIALIZER;

static const char* Setting(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : otherwise;
}

static void Misused(const char* what) {
  fprintf(stderr, "fault_shim: %s\n", what);
  _exit(99);
}

static void ReadKind(const char* text) {
  static const struct {
    const char* name;
    enum Kind kind;
    int error;
  } kKinds[] = {{"ENOSPC", kError, ENOSPC},    {"EDQUOT", kError, EDQUOT}, {"EIO", kError, EIO},
                {"EINTR", kError, EINTR},      {"SHORT", kShort, 0},       {"KILL", kKill, 0},
                {"KILL_AFTER", kKillAfter, 0}, {"KILL_HALF", kKillHalf, 0}};
  for (size_t i = 0; i < sizeof kKinds / sizeof kKinds[0]; ++i) {
    if (strcmp(text, kKinds[i].name) != 0) continue;
    kind = kKinds[i].kind;
    error_number = kKinds[i].error;
    return;
  }
  Misused("unknown FAULT_KIND");
}

__attribute__((constructor)) static void Begin(void) {
  const char* folder = Setting("FAULT_ROOT", NULL);
  if (folder == NULL || getenv("FAULT_OWNER") != NULL) return;
  if (realpath(folder, root) == NULL) Misused("FAULT_ROOT does not exist");
  owner = getpid();
  char text[32];
  snprintf(text, sizeof text, "%d", (int)owner);
  setenv("FAULT_OWNER", text, 1);

  nth = atol(Setting("FAULT_NTH", "0"));
  sticky = atol(Setting("FAULT_STICKY", "0"));
  ReadKind(Setting("FAULT_KIND", "EIO"));
  char calls[256];
  snprintf(calls, sizeof calls, "%s",
           Setting("FAULT_CALL", "open,write,space,fsync,rename,unlink"));
  char* rest = NULL;
  for (char* name = strtok_r(calls, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
    int known = 0;
    for (int i = 0; i < kClasses; ++i) {
      if (strcmp(name, kClassNames[i]) == 0) counted[i] = known = 1;
    }
    if (!known) Misused("unknown class in FAULT_CALL");
  }
  const char* log = Setting("FAULT_LOG", NULL);
  if (log != NULL) {
    log_fd =
        (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0) Misused("FAULT_LOG cannot be opened");
  }
  snprintf(shadow, sizeof shadow, "%s", Setting("FAULT_SHADOW", ""));
  counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (counter == MAP_FAILED) Misused("no memory");
}

// ---- Which calls count -------------------------------------------------------------------------

static int BelowRoot(const char* path) {
  const size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// Both give 1 when the file lies below the root; `path` is then absolute.
static int PathOfFd(int fd, char path[PATH_MAX]) {
  if (counter == NULL) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return BelowRoot(path);
}

static int PathOfName(int dir, const char* name, char path[PATH_MAX]) {
  if (counter == NULL || name == NULL) return 0;
  if (name[0] == '/') {
    snprintf(path, PATH_MAX, "%s", name);
    return BelowRoot(path);
  }
  char folder[PATH_MAX];
  if (dir == AT_FDCWD) {
    if (syscall(SYS_getcwd, folder, sizeof folder) < 0) return 0;
  } else {
    PathOfFd(dir, folder);
  }
  if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) return 0;
  return BelowRoot(path);
}

static _Noreturn void Die(void) {
  kill(owner, SIGKILL);
  for (;;) pause();
}

static enum Verdict Decide(enum Class class, const char* function, const char* path) {
  if (!counted[class]) return kGo;
  const long n = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
  if (log_fd >= 0) {
    char line[PATH_MAX + 100];
    int length =
        snprintf(line, sizeof line, "%ld %s %s %s\n", n, kClassNames[class], function, path);
    syscall(SYS_write, log_fd, line, (size_t)length);
  }
  if (nth == 0 || n < nth || (n > nth && !sticky)) return kGo;
  switch (kind) {
    case kError:
      errno = error_number;
      return kFail;
    case kShort:
      return kHalf;
    case kKill:
      Die();
    case kKillAfter:
      return kThenDie;
    case kKillHalf:
      return kHalfThenDie;
  }
  return kGo;
}

static long After(enum Verdict verdict, long result) {
  if (verdict == kThenDie || verdict == kHalfThenDie) Die();
  return result;
}

// ---- What has reached the disk -----------------------------------------------------------------

// A copy of the file as it is now, at `copy`; holes stay holes.
static void Copy(const char* path, const char* copy) {
  const int from = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  const int to =
      (int)syscall(SYS_openat, AT_FDCWD, copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  struct stat stat;
  if (from < 0 || to < 0 || fstat(from, &stat) != 0) Misused("FAULT_SHADOW cannot be written");
  static char buffer[1 << 16];  // under shadow_lock
  off_t at = 0;
  while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
    const off_t end = lseek(from, at, SEEK_HOLE);
    while (at < end) {
      const size_t want = end - at < (off_t)sizeof buffer ? (size_t)(end - at) : sizeof buffer;
      const long got = syscall(SYS_pread64, from, buffer, want, at);
      if (got <= 0) break;
      if (syscall(SYS_pwrite64, to, buffer, got, at) != got) Misused("FAULT_SHADOW is full");
      at += got;
    }
    if (at < end) break;
  }
  syscall(SYS_ftruncate, to, stat.st_size);
  syscall(SYS_close, from);
  syscall(SYS_close, to);
}

static void List(const char* path, const char* copy) {
  DIR* folder = opendir(path);
  FILE* file = fopen(copy, "w");
  if (folder == NULL || file == NULL) Misused("FAULT_SHADOW cannot be written");
  for (struct dirent* entry; (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    fprintf(file, "%lu %c %s\n", (unsigned long)entry->d_ino, entry->d_type == DT_DIR ? 'd' : 'f',
            entry->d_name);
  }
  fclose(file);
  closedir(folder);
}

// The state before the call is what a successful one promises.
static long Sync(long number, int fd) {
  char path[PATH_MAX], copy[PATH_MAX + 64], kept[PATH_MAX + 64];
  struct stat stat;
  if (shadow[0] == '\0' || !PathOfFd(fd, path) || fstat(fd, &stat) != 0) {
    return syscall(number, fd);
  }
  pthread_mutex_lock(&shadow_lock);
  const int folder = S_ISDIR(stat.st_mode);
  snprintf(copy, sizeof copy, "%s/.new", shadow);
  snprintf(kept, sizeof kept, "%s/%c-%lu", shadow, folder ? 'd' : 'f', (unsigned long)stat.st_ino);
  if (folder) {
    List(path, copy);
  } else {
    char by_fd[64];
    snprintf(by_fd, sizeof by_fd, "/proc/self/fd/%d", fd);  // it may have no name any more
    Copy(by_fd, copy);
  }
  const long result = syscall(number, fd);
  if (result == 0) syscall(SYS_renameat2, AT_FDCWD, copy, AT_FDCWD, kept, 0);
  pthread_mutex_unlock(&shadow_lock);
  return result;
}

// What loses its name keeps its inode for as long as the process lives, so that no new file has
// the number of an old one.
static void Keep(int dir, const char* name) {
  if (shadow[0] != '\0') {
    syscall(SYS_openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  }
}

// ---- The calls
// -----------------------------------------------------------------------------------

// `real` must be an expression that ends as a system call does: -1 and errno.
#define ON_FD(class, fd, real)                                                           \
  char path[PATH_MAX];                                                                   \
  const enum Verdict verdict = PathOfFd(fd, path) ? Decide(class, __func__, path) : kGo; \
  return verdict == kFail ? -1 : After(verdict, real)
#define ON_NAME(class, dir, name, real)                                                           \
  char path[PATH_MAX];                                                                            \
  const enum Verdict verdict = PathOfName(dir, name, path) ? Decide(class, __func__, path) : kGo; \
  return verdict == kFail ? -1 : (int)After(verdict, real)
#define HALVED(bytes) \
  ((verdict == kHalf || verdict == kHalfThenDie) && (bytes) > 1 ? (bytes) / 2 : (bytes))

static int Open(const char* function, int dir, const char* name, int flags, mode_t mode) {
  char path[PATH_MAX];
  const enum Verdict verdict = PathOfName(dir, name, path) ? Decide(kOpen, function, path) : kGo;
  if (verdict == kFail) return -1;
  return (int)After(verdict, syscall(SYS_openat, dir, name, flags, mode));
}

#define MODE_ARGUMENT                    \
  mode_t mode = 0;                       \
  if (flags & (O_CREAT | __O_TMPFILE)) { \
    va_list rest;                        \
    va_start(rest, flags);               \
    mode = va_arg(rest, mode_t);         \
    va_end(rest);                        \
  }
int open(const char* name, int flags, ...) {
  MODE_ARGUMENT
  return Open("open", AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) {
  MODE_ARGUMENT
  return Open("open", AT_FDCWD, name, flags, mode);
}
int openat(int dir, const char* name, int flags, ...) {
  MODE_ARGUMENT
  return Open("openat", dir, name, flags, mode);
}
int openat64(int dir, const char* name, int flags, ...) {
  MODE_ARGUMENT
  return Open("openat", dir, name, flags, mode);
}
int __open_2(const char* name, int flags) { return Open("open", AT_FDCWD, name, flags, 0); }
int __open64_2(const char* name, int flags) { return Open("open", AT_FDCWD, name, flags, 0); }
int creat(const char* name, mode_t mode) {
  return Open("creat", AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* name, mode_t mode) { return creat(name, mode); }

// A stream opens its file inside libc; what it writes may pass unseen as well.
static FILE* OpenStream(const char* real, const char* name, const char* how) {
  char path[PATH_MAX];
  const enum Verdict verdict = PathOfName(AT_FDCWD, name, path) ? Decide(kOpen, real, path) : kGo;
  if (verdict == kFail) return NULL;
  FILE* (*next)(const char*, const char*) =
      (FILE * (*)(const char*, const char*)) dlsym(RTLD_NEXT, real);
  FILE* stream = next(name, how);
  After(verdict, 0);
  return stream;
}
FILE* fopen(const char* name, const char* how) { return OpenStream("fopen", name, how); }
FILE* fopen64(const char* name, const char* how) { return OpenStream("fopen64", name, how); }

int mkdirat(int dir, const char* name, mode_t mode) {
  ON_NAME(kOpen, dir, name, syscall(SYS_mkdirat, dir, name, mode));
}
int mkdir(const char* name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

ssize_t write(int fd, const void* data, size_t bytes) {
  ON_FD(kWrite, fd, syscall(SYS_write, fd, data, HALVED(bytes)));
}
ssize_t pwrite(int fd, const void* data, size_t bytes, off_t at) {
  ON_FD(kWrite, fd, syscall(SYS_pwrite64, fd, data, HALVED(bytes), at));
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t at) {
  return pwrite(fd, data, bytes, at);
}
// Half of the pieces, or half of the only one.
ssize_t pwritev2(int fd, const struct iovec* pieces, int count, off_t at, int flags) {
  struct iovec only = pieces[0];
  char path[PATH_MAX];
  const enum Verdict verdict = PathOfFd(fd, path) ? Decide(kWrite, __func__, path) : kGo;
  if (verdict == kFail) return -1;
  if (count == 1) only.iov_len = HALVED(only.iov_len);
  return After(verdict, syscall(SYS_pwritev2, fd, count == 1 ? &only : pieces, HALVED(count), at,
                                0L, flags));
}
ssize_t pwritev(int fd, const struct iovec* pieces, int count, off_t at) {
  return pwritev2(fd, pieces, count, at, 0);
}
ssize_t pwritev64(int fd, const struct iovec* pieces, int count, off_t at) {
  return pwritev2(fd, pieces, count, at, 0);
}
ssize_t writev(int fd, const struct iovec* pieces, int count) {
  return pwritev2(fd, pieces, count, -1, 0);
}
ssize_t copy_file_range(int from, off_t* from_at, int to, off_t* to_at, size_t bytes,
                        unsigned flags) {
  ON_FD(kWrite, to, syscall(SYS_copy_file_range, from, from_at, to, to_at, HALVED(bytes), flags));
}
ssize_t sendfile(int to, int from, off_t* at, size_t bytes) {
  ON_FD(kWrite, to, syscall(SYS_sendfile, to, from, at, HALVED(bytes)));
}

ssize_t read(int fd, void* data, size_t bytes) {
  ON_FD(kRead, fd, syscall(SYS_read, fd, data, HALVED(bytes)));
}
ssize_t pread(int fd, void* data, size_t bytes, off_t at) {
  ON_FD(kRead, fd, syscall(SYS_pread64, fd, data, HALVED(bytes), at));
}
ssize_t pread64(int fd, void* data, size_t bytes, off_t at) { return pread(fd, data, bytes, at); }

int ftruncate(int fd, off_t bytes) { ON_FD(kSpace, fd, syscall(SYS_ftruncate, fd, bytes)); }
int ftruncate64(int fd, off_t bytes) { return ftruncate(fd, bytes); }
int fallocate(int fd, int mode, off_t at, off_t bytes) {
  ON_FD(kSpace, fd, syscall(SYS_fallocate, fd, mode, at, bytes));
}
int fallocate64(int fd, int mode, off_t at, off_t bytes) { return fallocate(fd, mode, at, bytes); }
int posix_fallocate(int fd, off_t at, off_t bytes) {
  const int before = errno;
  const int result = fallocate(fd, 0, at, bytes) == 0 ? 0 : errno;
  errno = before;
  return result;
}
int posix_fallocate64(int fd, off_t at, off_t bytes) { return posix_fallocate(fd, at, bytes); }

int fsync(int fd) { ON_FD(kSync, fd, Sync(SYS_fsync, fd)); }
int fdatasync(int fd) { ON_FD(kSync, fd, Sync(SYS_fdatasync, fd)); }

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  Keep(to_dir, to);
  ON_NAME(kRename, to_dir, to, syscall(SYS_renameat2, from_dir, from, to_dir, to, flags));
}
int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  return renameat2(from_dir, from, to_dir, to, 0);
}
int rename(const char* from, const char* to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) {
  ON_NAME(kRename, to_dir, to, syscall(SYS_linkat, from_dir, from, to_dir, to, flags));
}
int link(const char* from, const char* to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dir, const char* name, int flags) {
  Keep(dir, name);
  ON_NAME(kUnlink, dir, name, syscall(SYS_unlinkat, dir, name, flags));
}
int unlink(const char* name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char* name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char* name) {
  const int result = unlink(name);
  return result != 0 && (errno == EISDIR || errno == EPERM) ? rmdir(name) : result;
}
