// SPDX-License-Identifier: MIT
/// @file prompt/price.hpp
/// What it costs to have text translated or made by a model: tokens times price.
#pragma once

#include "../core/token_counter.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Tokens that a model read and wrote, over how many requests. A mergeable value.
struct usage {
  std::uint64_t requests = 0, read = 0, written = 0;

  constexpr void push(std::uint64_t tokens_read, std::uint64_t tokens_written) noexcept {
    ++requests;
    read += tokens_read;
    written += tokens_written;
  }
  constexpr void merge(const usage& other) noexcept {
    requests += other.requests;
    read += other.read;
    written += other.written;
  }
  friend constexpr bool operator==(const usage&, const usage&) = default;
};

/// One request of a sentence that asks (`overhead`) and a text, and its reply.
template <token_counter Counter>
void push_request(usage& to, const Counter& counter, std::string_view overhead, std::string_view text,
                  std::string_view reply) {
  to.push(counter.count(overhead) + counter.count(text), counter.count(reply));
}

/// A price list, in any currency: for a million tokens read, for a million written, for a request.
struct price_list {
  double million_read = 0, million_written = 0, request = 0;

  /// read x price + written x price + requests x price.
  [[nodiscard]] constexpr double operator()(const usage& u) const noexcept {
    return static_cast<double>(u.read) * million_read / 1e6 +
           static_cast<double>(u.written) * million_written / 1e6 + static_cast<double>(u.requests) * request;
  }
  /// The price of `n` requests, where `sample` is what some of them needed: its mean times n; 0 without a sample.
  [[nodiscard]] constexpr double estimate(const usage& sample, std::uint64_t n) const noexcept {
    if (sample.requests == 0) return 0;
    return (*this)(sample) * static_cast<double>(n) / static_cast<double>(sample.requests);
  }
};

/// Machine time instead of a price list: a model of one's own that writes so many tokens a second on machines at so
/// much an hour. seconds = read / read_rate + written / write_rate; a rate of 0 is time that does not count.
struct machine_price {
  double read_rate = 0, write_rate = 0;  ///< tokens a second, all machines together
  double machines_hour = 0;              ///< price of an hour, all machines together

  [[nodiscard]] constexpr double hours(const usage& u) const noexcept {
    const double reading = read_rate > 0 ? static_cast<double>(u.read) / read_rate : 0;
    const double writing = write_rate > 0 ? static_cast<double>(u.written) / write_rate : 0;
    return (reading + writing) / 3600;
  }
  [[nodiscard]] constexpr double operator()(const usage& u) const noexcept {
    return hours(u) * machines_hour;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
