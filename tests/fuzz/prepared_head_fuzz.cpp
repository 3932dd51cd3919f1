// SPDX-License-Identifier: MIT
// Any bytes as prepared rows: what loads can be probed and is saved to an equal file.
#include <cstdlib>
#include <lagom/io/prepared_head.hpp>
#include <lagom/kernel/certified_probe.hpp>
#include <lagom/stop/monotone.hpp>

#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto file = lagom::io::safetensors::parse({reinterpret_cast<const std::byte*>(data), size});
  if (!file) return 0;
  const auto prepared = lagom::io::prepared_head_file::read(std::move(*file));
  if (!prepared) return 0;
  const auto p = prepared->view();
  const std::vector<float> w(static_cast<std::size_t>(p.rows * p.cols), 0.5f),
      x(static_cast<std::size_t>(p.cols), 1.0f);
  const lagom::head to{lagom::mat_view<const float>(w.data(), p.rows, p.cols)};
  lagom::certified_workspace work{lagom::portable{}, p};
  const lagom::monotone_decision decide{lagom::features<lagom::gap>{}, lagom::threshold<>{0.5f, 0}};
  const auto s = lagom::certified_probe(lagom::portable{}, x, to, p, work, decide);
  if (s.decision == lagom::certified_verdict::open) std::abort();
  const std::string path = fuzz::scratch() + "/prepared";
  if (!lagom::io::save_prepared_head(path, p)) std::abort();
  const auto again = lagom::io::prepared_head_file::open(path);
  if (!again) std::abort();
  const auto q = again->view();
  if (q.rows != p.rows || q.cols != p.cols || q.code != p.code || q.key != p.key ||
      q.fingerprint != p.fingerprint)
    std::abort();
  if (!std::equal(p.codes, p.codes + p.rows * p.pitch(), q.codes)) std::abort();
  return 0;
}
