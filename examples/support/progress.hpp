// SPDX-License-Identifier: MIT
// A progress bar on standard error, for people only: nothing is written where no terminal is.
#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>

namespace support {

class progress {
 public:
  progress(std::string what, std::size_t total)
      : what_(std::move(what)), total_(total), shown_(::isatty(2) == 1) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

  // May be called from any thread.
  void advance(std::size_t n = 1) {
    const std::size_t done = done_ += n;
    if (!shown_ || total_ == 0) return;
    const std::lock_guard lock(mutex_);
    const std::size_t percent = 100 * done / total_;
    if (percent == percent_) return;
    percent_ = percent;
    const std::size_t filled = percent * 30 / 100;
    fmt::print(stderr, "\r{} [{:#<{}}{:.<{}}] {:3}%", what_, "", filled, "", 30 - filled, percent);
    std::fflush(stderr);
  }

 private:
  std::string what_;
  std::size_t total_;
  bool shown_;
  std::atomic<std::size_t> done_ = 0;
  std::size_t percent_ = 101;
  std::mutex mutex_;
};

}  // namespace support
