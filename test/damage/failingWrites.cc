// Tests preload this into a program (LD_PRELOAD) to make its n-th operation that changes a file below a folder fail, as
// on a full disk or one that has become read-only. Operations are: opening for writing, writing, fsync, rename,
// mkdir, mkdtemp, link and symlink. Reading and removing always work.
//
//   FAIL_BELOW   the folder; operations elsewhere never fail
//   FAIL_AT      fails at this operation, counted from 1; 0 or none: never
//   FAIL_ERRNO   the error; default ENOSPC
//   FAIL_HOW     'once': this operation alone; 'from' (default): this and all that follow; 'short': half of a write is
//                done, all that follows fails
//
// A running program sets these again with rmdir("/failing-writes/<at>/<errno>/<how>"), and reads the number of
// operations since then with readlink("/failing-writes/count").
// Between fork and exec a child shares its parent's memory, so nothing here takes a lock or asks for memory.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

namespace {

enum How { kFrom, kOnce, kShort };

char below[PATH_MAX] = "";
std::atomic<long> at{0};
std::atomic<int> error{ENOSPC};
std::atomic<int> how{kFrom};
std::atomic<long> count{0};

How how_of(const char* text) {
  if (text && strcmp(text, "once") == 0) return kOnce;
  return text && strcmp(text, "short") == 0 ? kShort : kFrom;
}

void read_environment() {
  static bool done = false;
  if (done) return;
  done = true;
  if (const char* text = getenv("FAIL_BELOW")) snprintf(below, sizeof below, "%s", text);
  if (const char* text = getenv("FAIL_AT")) at = atol(text);
  if (const char* text = getenv("FAIL_ERRNO")) error = atoi(text);
  how = how_of(getenv("FAIL_HOW"));
}

/** The real function, looked up when the library is loaded. */
#define REAL(name, type, ...)                                                 \
  type (*real_##name)(__VA_ARGS__) = nullptr;                                 \
  __attribute__((constructor)) void look_up_##name() {                        \
    real_##name = reinterpret_cast<type (*)(__VA_ARGS__)>(dlsym(RTLD_NEXT, #name)); \
  }                                                                           \
  inline auto get_##name() {                                                  \
    if (!real_##name) look_up_##name();                                       \
    return real_##name;                                                       \
  }

REAL(open, int, const char*, int, mode_t)
REAL(open64, int, const char*, int, mode_t)
REAL(openat, int, int, const char*, int, mode_t)
REAL(openat64, int, int, const char*, int, mode_t)
REAL(write, ssize_t, int, const void*, size_t)
REAL(pwrite, ssize_t, int, const void*, size_t, off_t)
REAL(pwrite64, ssize_t, int, const void*, size_t, off64_t)
REAL(writev, ssize_t, int, const iovec*, int)
REAL(fsync, int, int)
REAL(fdatasync, int, int)
REAL(rename, int, const char*, const char*)
REAL(mkdir, int, const char*, mode_t)
REAL(mkdtemp, char*, char*)
REAL(symlink, int, const char*, const char*)
REAL(link, int, const char*, const char*)
REAL(rmdir, int, const char*)
REAL(readlink, ssize_t, const char*, char*, size_t)

/** A path in full. */
struct Path {
  char text[2 * PATH_MAX];
};

bool of_file(int file, char* into, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const int before = errno;
  const ssize_t length = get_readlink()(link, into, size - 1);
  errno = before;
  if (length < 0) return false;
  into[length] = 0;
  return true;
}

Path absolute(int folder, const char* path) {
  Path full;
  char base[PATH_MAX] = "";
  const bool is_relative = path[0] != '/';
  if (is_relative && folder == AT_FDCWD && !getcwd(base, sizeof base)) base[0] = 0;
  if (is_relative && folder != AT_FDCWD && !of_file(folder, base, sizeof base)) base[0] = 0;
  snprintf(full.text, sizeof full.text, "%s%s%s", base, is_relative ? "/" : "", path);
  return full;
}

enum Verdict { kGo, kFail, kHalf };

Verdict judge(const char* path, bool writes) {
  read_environment();
  if (below[0] == 0 || strncmp(path, below, strlen(below)) != 0) return kGo;
  const long number = ++count;
  const long failing = at;
  Verdict verdict = kGo;
  if (failing > 0 && number == failing) verdict = how == kShort && writes ? kHalf : kFail;
  if (failing > 0 && number > failing && how != kOnce) verdict = kFail;
  if (verdict == kFail) errno = error;
  return verdict;
}

Verdict judge(int file, bool writes = true) {
  char path[PATH_MAX];
  return of_file(file, path, sizeof path) ? judge(path, writes) : kGo;
}

bool changes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); }

}  // namespace

#define OPEN(name)                                                                       \
  extern "C" int name(const char* path, int flags, ...) {                                \
    va_list rest;                                                                        \
    va_start(rest, flags);                                                               \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;        \
    va_end(rest);                                                                        \
    if (changes(flags) && judge(absolute(AT_FDCWD, path).text, false) != kGo) return -1;      \
    return get_##name()(path, flags, mode);            \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                     \
  extern "C" int name(int folder, const char* path, int flags, ...) {                    \
    va_list rest;                                                                        \
    va_start(rest, flags);                                                               \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;        \
    va_end(rest);                                                                        \
    if (changes(flags) && judge(absolute(folder, path).text, false) != kGo) return -1;        \
    return get_##name()(folder, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

extern "C" ssize_t write(int file, const void* bytes, size_t size) {
  const auto real = get_write();
  const Verdict verdict = judge(file);
  return verdict == kFail ? -1 : real(file, bytes, verdict == kHalf ? (size + 1) / 2 : size);
}

#define PWRITE(name, offset_type)                                                               \
  extern "C" ssize_t name(int file, const void* bytes, size_t size, offset_type offset) {       \
    const auto real = get_##name();          \
    const Verdict verdict = judge(file);                                                        \
    return verdict == kFail ? -1 : real(file, bytes, verdict == kHalf ? (size + 1) / 2 : size, offset); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

extern "C" ssize_t writev(int file, const struct iovec* parts, int number) {
  return judge(file) == kFail ? -1 : get_writev()(file, parts, number);
}

#define ON_FILE(name)                                                     \
  extern "C" int name(int file) {                                         \
    return judge(file, false) != kGo ? -1 : get_##name()(file); \
  }
ON_FILE(fsync)
ON_FILE(fdatasync)

extern "C" int rename(const char* from, const char* to) {
  if (judge(absolute(AT_FDCWD, to).text, false) != kGo) return -1;
  return get_rename()(from, to);
}

extern "C" int mkdir(const char* path, mode_t mode) {
  if (judge(absolute(AT_FDCWD, path).text, false) != kGo) return -1;
  return get_mkdir()(path, mode);
}

extern "C" char* mkdtemp(char* pattern) {
  if (judge(absolute(AT_FDCWD, pattern).text, false) != kGo) return nullptr;
  return get_mkdtemp()(pattern);
}

extern "C" int symlink(const char* to, const char* path) {
  if (judge(absolute(AT_FDCWD, path).text, false) != kGo) return -1;
  return get_symlink()(to, path);
}

extern "C" int link(const char* from, const char* to) {
  if (judge(absolute(AT_FDCWD, to).text, false) != kGo) return -1;
  return get_link()(from, to);
}

static const char kControl[] = "/failing-writes/";

extern "C" int rmdir(const char* path) {
  if (strncmp(path, kControl, sizeof kControl - 1) != 0) return get_rmdir()(path);
  read_environment();
  long wanted = 0;
  int number = ENOSPC;
  char text[16] = "";
  sscanf(path + sizeof kControl - 1, "%ld/%d/%15s", &wanted, &number, text);
  at = wanted;
  error = number;
  how = how_of(text);
  count = 0;
  return 0;
}

extern "C" ssize_t readlink(const char* path, char* into, size_t size) {
  const auto real = get_readlink();
  if (strcmp(path, "/failing-writes/count") != 0) return real(path, into, size);
  char text[24];
  const size_t length = static_cast<size_t>(snprintf(text, sizeof text, "%ld", count.load()));
  const size_t copied = length < size ? length : size;
  memcpy(into, text, copied);
  return static_cast<ssize_t>(copied);
}
