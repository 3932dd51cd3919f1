// SPDX-License-Identifier: MIT
// Runs the bodies of device kernels on the host: block after block, the threads of a phase one after another, both in
// any order. Watches shared memory: two threads at one place between two barriers, one of them writing, are a race.
#pragma once

#include <algorithm>
#include <cstring>
#include <lagom/adapt/cuda/pack.hpp>
#include <lagom/adapt/cuda/unembed_mma.hpp>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace lagom_test {

// What is common to the blocks of a grid.
struct host_grid {
  enum class order { ascending, descending, shuffled };
  order threads = order::ascending;
  int x = 1;
  int y = 1;
  int races = 0;
  int most_shared = 0;  // bytes that a block asked for
  std::mt19937 random{7};

  std::vector<int> in_order(int n) {
    std::vector<int> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    if (threads == order::descending) std::reverse(all.begin(), all.end());
    if (threads == order::shuffled) std::shuffle(all.begin(), all.end(), random);
    return all;
  }
};

template <int Threads>
class host_block {
  // One place of shared memory: who touched it since which barrier.
  struct place {
    int writer = -1, written = -1, reader = -1, read = -1;
  };
  static constexpr int everybody = -2;

 public:
  static constexpr int threads = Threads;

  host_block(host_grid& grid, int x, int y) : grid_(&grid), x_(x), y_(y) {}

  int x() const { return x_; }
  int y() const { return y_; }
  int blocks() const { return grid_->x; }

  template <class T>
  class per_thread {
   public:
    T& operator[](int thread) { return value_[static_cast<std::size_t>(thread)]; }

   private:
    std::vector<T> value_ = std::vector<T>(static_cast<std::size_t>(Threads));
  };

  template <class T>
  class memory {
   public:
    memory(host_block& block, int n)
        : block_(&block),
          bytes_(static_cast<std::size_t>(n) * sizeof(T), static_cast<unsigned char>(0xff)),
          places_(static_cast<std::size_t>(n)) {}
    void store(int thread, int i, const T& value) {
      place& p = places_.at(static_cast<std::size_t>(i));
      const int now = block_->barriers_;
      const bool raced = (p.written == now && p.writer != thread) || (p.read == now && p.reader != thread);
      block_->grid_->races += raced ? 1 : 0;
      p.written = now;
      p.writer = thread;
      std::memcpy(&bytes_[static_cast<std::size_t>(i) * sizeof(T)], &value, sizeof value);
    }
    T load(int thread, int i) {
      place& p = places_.at(static_cast<std::size_t>(i));
      const int now = block_->barriers_;
      block_->grid_->races += p.written == now && (p.writer != thread || thread == everybody) ? 1 : 0;
      p.reader = p.read == now && p.reader != thread ? everybody : thread;
      p.read = now;
      T value;
      std::memcpy(static_cast<void*>(&value), &bytes_[static_cast<std::size_t>(i) * sizeof(T)], sizeof value);
      return value;
    }
    T all(int i) { return load(everybody, i); }

   private:
    host_block* block_;
    std::vector<unsigned char> bytes_;
    std::vector<place> places_;
  };

  // The scratch of a block is one memory, whatever is put into it.
  template <class T>
  class slots {
   public:
    explicit slots(host_block& block) : block_(&block) {}
    void store(int thread, int i, const T& value) {
      slot s{};
      std::memcpy(&s, &value, sizeof value);
      block_->scratch_->store(thread, i, s);
    }
    T all(int i) {
      const slot s = block_->scratch_->all(i);
      T value;
      std::memcpy(static_cast<void*>(&value), &s, sizeof value);
      return value;
    }

   private:
    host_block* block_;
  };

  template <class F>
  void each(F&& f) {
    for (const int thread : grid_->in_order(Threads)) f(thread);
  }
  void barrier() { ++barriers_; }

  template <class T>
  memory<T> array(int n) {
    grid_->most_shared =
        std::max(grid_->most_shared, lagom::detail::shared_bytes(Threads, n * int(sizeof(T))));
    return memory<T>(*this, n);
  }
  template <class T>
  slots<T> scratch() {
    if (!scratch_) scratch_ = std::make_unique<memory<slot>>(*this, Threads / 32);
    grid_->most_shared = std::max(grid_->most_shared, lagom::detail::shared_bytes(Threads, 0));
    return slots<T>(*this);
  }

  template <class T>
  void merge_down(per_thread<T>& value, int offset) {
    for (int thread = 0; thread < Threads; ++thread) {
      // Lanes at the end merge what no one is to look at: their own value twice.
      value[thread].merge(thread % 32 + offset < 32 ? value[thread + offset] : T(value[thread]));
    }
  }

  // m16n8k16 as the PTX manual lays its operands out over the lanes.
  template <class W, class A, class B, class C>
  void mma(A a, B b, C c) {
    for (int warp = 0; warp < Threads / 32; ++warp) {
      float left[16][16], right[16][8];
      for (int lane = 0; lane < 32; ++lane) {
        const int group = lane / 4, pair = lane % 4;
        const auto wa = a(warp * 32 + lane);
        const auto wb = b(warp * 32 + lane);
        for (int i = 0; i < 8; ++i) {
          const int row = group + (i / 2 % 2 == 1 ? 8 : 0);
          const int column = pair * 2 + i % 2 + (i >= 4 ? 8 : 0);
          left[row][column] = half<W>(wa.word[i / 2], i % 2);
        }
        for (int i = 0; i < 4; ++i) {
          right[pair * 2 + i % 2 + (i >= 2 ? 8 : 0)][group] = half<W>(wb.word[i / 2], i % 2);
        }
      }
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < 4; ++i) {
          const int row = lane / 4 + (i >= 2 ? 8 : 0), column = lane % 4 * 2 + i % 2;
          float sum = 0;
          for (int k = 0; k < 16; ++k) sum += left[row][k] * right[k][column];
          c(warp * 32 + lane).value[i] += sum;
        }
      }
    }
  }

  bool last_to_arrive(int* counter) {
    if (++*counter < grid_->x) return false;
    *counter = 0;
    return true;
  }

  template <class T>
  lagom::detail::pack<T> stream(const T* from) {
    if (reinterpret_cast<std::uintptr_t>(from) % 16 != 0) ++grid_->races;  // the device would stop here
    lagom::detail::pack<T> p;
    std::memcpy(static_cast<void*>(&p), from, sizeof p);
    return p;
  }

 private:
  struct slot {
    unsigned char bytes[lagom::detail::scratch_slot];
  };
  template <class W>
  static float half(std::uint32_t word, int i) {
    return static_cast<float>(W::from_bits(static_cast<std::uint16_t>(word >> (16 * i))));
  }

  host_grid* grid_;
  int x_, y_;
  int barriers_ = 0;
  std::unique_ptr<memory<slot>> scratch_;
};

// Runs a task over a grid of blocks; the number of races, of misaligned reads, and whether it asked for more shared memory than it says.
template <class Task>
int emulate(const Task& task, int x, int y = 1, host_grid::order order = host_grid::order::shuffled) {
  host_grid grid;
  grid.threads = order;
  grid.x = x;
  grid.y = y;
  for (const int block : grid.in_order(x * y)) {
    host_block<Task::threads> b(grid, block % x, block / x);
    task(b);
  }
  return grid.races + (grid.most_shared > Task::shared() ? 1 : 0);
}

}  // namespace lagom_test
