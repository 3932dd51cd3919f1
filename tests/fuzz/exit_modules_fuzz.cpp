// SPDX-License-Identifier: MIT
// Any bytes as trained modules: what loads can be probed and is saved to an equal file.
#include <cstdlib>
#include <lagom/io/load_exit_modules.hpp>
#include <lagom/io/save_exit_modules.hpp>

#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = lagom::io::safetensors::parse({reinterpret_cast<const std::byte*>(data), size});
  if (!file) return 0;
  const auto sets = lagom::io::read_exit_modules(*file, 0xff);
  if (!sets || sets->empty()) return 0;
  const lagom::exit_modules& first = sets->front().modules;
  const auto h = static_cast<std::size_t>(first.shape().width);
  const std::vector<float> w(3 * h, 0.5f), x(h, 1.0f);
  const lagom::head to{lagom::mat_view<const float>(w.data(), 3, h), lagom::rms_norm{x, 1e-5}};
  std::vector<float> scratch(static_cast<std::size_t>(first.shape().scratch()));
  for (const auto& s : *sets) {
    for (int l = 0; l < s.modules.layers(); ++l) {
      if (s.modules.trained(l)) (void)s.modules.at(l, to, scratch)(lagom::vec_view<const float>(x));
    }
  }
  const std::string path = fuzz::scratch() + "/modules";
  if (!lagom::io::save_exit_modules(path, *sets, 0xff)) std::abort();
  const auto again = lagom::io::load_exit_modules(path, 0xff);
  if (!again || again->size() != sets->size()) std::abort();
  for (std::size_t k = 0; k < sets->size(); ++k) {
    const lagom::exit_modules &a = (*sets)[k].modules, &b = (*again)[k].modules;
    if ((*sets)[k].label != (*again)[k].label || !((*sets)[k].profile == (*again)[k].profile) ||
        !(a.shape() == b.shape()) || a.layers() != b.layers() || a.epsilon() != b.epsilon())
      std::abort();
    for (int l = 0; l < a.layers(); ++l) {
      const auto p = a.parameters(l), q = b.parameters(l);
      if (a.trained(l) != b.trained(l) || p.size() != q.size()) std::abort();
      if (std::memcmp(p.data(), q.data(), static_cast<std::size_t>(p.size()) * sizeof(float)) != 0)
        std::abort();
    }
  }
  return 0;
}
