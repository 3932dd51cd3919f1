// expect: sequence: needs `lagom::result<lagom::done> feed\(lagom::token_id\)`
// SPDX-License-Identifier: MIT
#include <lagom/exit/decode/layered_sequence.hpp>

struct engine {
  using scalar_type = float;
  int layers() const { return 2; }
  lagom::index_t length() const { return 0; }
  lagom::index_t held(lagom::layer_index) const { return 0; }
#ifdef WITHOUT_FAULT
  lagom::result<lagom::done> feed(lagom::token_id) { return lagom::done{}; }
#endif
  void block(lagom::layer_index, lagom::index_t, lagom::index_t) {}
  void crop(lagom::index_t) {}
  lagom::vec_view<const float> hidden(lagom::index_t) const { return {}; }
  lagom::layer_obs observation(lagom::layer_index) const { return {}; }
  lagom::softmax_stats<float> probe(lagom::vec_view<const float>) { return {}; }
  void answers(lagom::index_t, lagom::index_t, lagom::vec_view<lagom::softmax_stats<float>>) {}
};
static_assert(lagom::check_layered_sequence<engine>::value);
