// A pool of helper threads that take pieces of a job one after the other. OpenMP is not used because its loops end only
// after every thread has started; when other programs used the processor too, a loop of 0.3 ms took 8 ms. Here the
// caller takes pieces too, and waits only for pieces that a helper has begun.
#pragma once

#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace softseg {

class Threads {
 public:
  // Calls work(piece, thread) for each piece from 0 to count - 1. `thread` is less than `threads`, and two calls with
  // the same `thread` never run at the same time.
  template <typename Work>
  void run(int64_t count, int threads, const Work& work) {
    const auto call = [](const void* context, int64_t piece, int thread) {
      (*static_cast<const Work*>(context))(piece, thread);
    };
    Job job{call, &work, count, threads, {0}};
    // If another thread of Node is using the helpers for its job, this job runs without them.
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (threads <= 1 || !turn.owns_lock()) {
      job.finish(0);
      return;
    }
    begin(job);
    job.finish(0);
    end();
  }

 private:
  struct Job {
    void (*call)(const void* context, int64_t piece, int thread);
    const void* context;
    int64_t count;
    int threads;
    std::atomic<int64_t> next;

    void finish(int thread) {
      for (int64_t piece = next++; piece < count; piece = next++) call(context, piece, thread);
    }
  };

  void begin(Job& job) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (helpers_ < job.threads - 1 && add_helper()) {
      }
      job_ = &job;
      joined_ = 0;
    }
    for (int i = 1; i < job.threads; i++) wake_.notify_one();
  }

  // Lets no more helpers join the job, and waits for those that have.
  void end() {
    std::unique_lock<std::mutex> lock(mutex_);
    job_ = nullptr;
    done_.wait(lock, [this] { return active_ == 0; });
  }

  bool add_helper() {
    try {
      std::thread([this] { help(); }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    helpers_++;
    return true;
  }

  void help() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return job_ && joined_ < job_->threads - 1; });
      Job& job = *job_;
      const int thread = ++joined_;
      active_++;
      lock.unlock();
      job.finish(thread);
      lock.lock();
      if (--active_ == 0) done_.notify_one();
      // No piece of this job is left to begin. Without this, the helper could join it again and spin.
      if (job_ == &job) job_ = nullptr;
    }
  }

  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  Job* job_ = nullptr;
  int helpers_ = 0, joined_ = 0, active_ = 0;
};

}  // namespace softseg
