// Preloaded into a program (LD_PRELOAD) by tests: makes its n-th operation that changes a file below a folder fail, as a
// full disk or one that has become read-only does. Operations are: opening for writing, writing, fsync, rename, mkdir,
// mkdtemp, link and symlink. Reading and removing always work.
//
//   FAIL_BELOW   the folder; nothing else is touched
//   FAIL_AT      fails at this operation, counted from 1; 0 or none: never
//   FAIL_ERRNO   how; default ENOSPC
//   FAIL_HOW     'once': this operation alone; 'from' (default): this and all that follow; 'short': half of a write is
//                done, all that follows fails
//
// A running program arms it again with rmdir("/failing-writes/<at>/<errno>/<how>"), and reads how many operations there
// were since with readlink("/failing-writes/count").
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <string>

namespace {

enum How { kFrom, kOnce, kShort };

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
bool read_environment = false;
std::string* below = nullptr;
long at = 0;
int error = ENOSPC;
How how = kFrom;
long count = 0;

How how_of(const char* text) {
  if (text && strcmp(text, "once") == 0) return kOnce;
  return text && strcmp(text, "short") == 0 ? kShort : kFrom;
}

template <typename F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  char base[PATH_MAX];
  if (folder == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return path;
  } else {
    const std::string link = "/proc/self/fd/" + std::to_string(folder);
    const ssize_t size = readlink(link.c_str(), base, sizeof base - 1);
    if (size < 0) return path;
    base[size] = 0;
  }
  return std::string(base) + "/" + path;
}

enum Verdict { kGo, kFail, kHalf };

Verdict judge(const std::string& path, bool writes) {
  pthread_mutex_lock(&mutex);
  if (!read_environment) {
    read_environment = true;
    const char* folder = getenv("FAIL_BELOW");
    below = new std::string(folder ? folder : "");
    if (const char* text = getenv("FAIL_AT")) at = atol(text);
    if (const char* text = getenv("FAIL_ERRNO")) error = atoi(text);
    how = how_of(getenv("FAIL_HOW"));
  }
  Verdict verdict = kGo;
  const bool inside = !below->empty() && path.compare(0, below->size(), *below) == 0;
  if (inside) {
    ++count;
    if (at > 0 && count == at) verdict = how == kShort && writes ? kHalf : kFail;
    if (at > 0 && count > at && how != kOnce) verdict = kFail;
  }
  pthread_mutex_unlock(&mutex);
  if (verdict == kFail) errno = error;
  return verdict;
}

Verdict judge(int file, bool writes = true) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const int before = errno;
  const ssize_t size = next<ssize_t (*)(const char*, char*, size_t)>("readlink")(link.c_str(), path, sizeof path - 1);
  errno = before;
  if (size < 0) return kGo;
  return judge(std::string(path, size), writes);
}

bool changes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); }

}  // namespace

#define OPEN(name)                                                                       \
  extern "C" int name(const char* path, int flags, ...) {                                \
    va_list rest;                                                                        \
    va_start(rest, flags);                                                               \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;        \
    va_end(rest);                                                                        \
    if (changes(flags) && judge(absolute(AT_FDCWD, path), false) != kGo) return -1;      \
    return next<int (*)(const char*, int, mode_t)>(#name)(path, flags, mode);            \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                     \
  extern "C" int name(int folder, const char* path, int flags, ...) {                    \
    va_list rest;                                                                        \
    va_start(rest, flags);                                                               \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;        \
    va_end(rest);                                                                        \
    if (changes(flags) && judge(absolute(folder, path), false) != kGo) return -1;        \
    return next<int (*)(int, const char*, int, mode_t)>(#name)(folder, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

extern "C" ssize_t write(int file, const void* bytes, size_t size) {
  const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  const Verdict verdict = judge(file);
  return verdict == kFail ? -1 : real(file, bytes, verdict == kHalf ? (size + 1) / 2 : size);
}

#define PWRITE(name, offset_type)                                                               \
  extern "C" ssize_t name(int file, const void* bytes, size_t size, offset_type offset) {       \
    const auto real = next<ssize_t (*)(int, const void*, size_t, offset_type)>(#name);          \
    const Verdict verdict = judge(file);                                                        \
    return verdict == kFail ? -1 : real(file, bytes, verdict == kHalf ? (size + 1) / 2 : size, offset); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

extern "C" ssize_t writev(int file, const struct iovec* parts, int number) {
  return judge(file) == kFail ? -1 : next<ssize_t (*)(int, const iovec*, int)>("writev")(file, parts, number);
}

#define ON_FILE(name)                                                     \
  extern "C" int name(int file) {                                         \
    return judge(file, false) != kGo ? -1 : next<int (*)(int)>(#name)(file); \
  }
ON_FILE(fsync)
ON_FILE(fdatasync)

extern "C" int rename(const char* from, const char* to) {
  if (judge(absolute(AT_FDCWD, to), false) != kGo) return -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

extern "C" int mkdir(const char* path, mode_t mode) {
  if (judge(absolute(AT_FDCWD, path), false) != kGo) return -1;
  return next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

extern "C" char* mkdtemp(char* pattern) {
  if (judge(absolute(AT_FDCWD, pattern), false) != kGo) return nullptr;
  return next<char* (*)(char*)>("mkdtemp")(pattern);
}

extern "C" int symlink(const char* to, const char* path) {
  if (judge(absolute(AT_FDCWD, path), false) != kGo) return -1;
  return next<int (*)(const char*, const char*)>("symlink")(to, path);
}

extern "C" int link(const char* from, const char* to) {
  if (judge(absolute(AT_FDCWD, to), false) != kGo) return -1;
  return next<int (*)(const char*, const char*)>("link")(from, to);
}

static const char kControl[] = "/failing-writes/";

extern "C" int rmdir(const char* path) {
  if (strncmp(path, kControl, sizeof kControl - 1) != 0) return next<int (*)(const char*)>("rmdir")(path);
  judge("", false);  // reads the environment
  long wanted = 0;
  int number = ENOSPC;
  char text[16] = "";
  sscanf(path + sizeof kControl - 1, "%ld/%d/%15s", &wanted, &number, text);
  pthread_mutex_lock(&mutex);
  at = wanted;
  error = number;
  how = how_of(text);
  count = 0;
  pthread_mutex_unlock(&mutex);
  return 0;
}

extern "C" ssize_t readlink(const char* path, char* into, size_t size) {
  const auto real = next<ssize_t (*)(const char*, char*, size_t)>("readlink");
  if (strcmp(path, "/failing-writes/count") != 0) return real(path, into, size);
  pthread_mutex_lock(&mutex);
  const std::string text = std::to_string(count);
  pthread_mutex_unlock(&mutex);
  const size_t length = text.size() < size ? text.size() : size;
  memcpy(into, text.data(), length);
  return static_cast<ssize_t>(length);
}
