// SPDX-License-Identifier: MIT
#include "change.hpp"

namespace expand_vocabulary {

namespace vocab = lagom::vocab;

lagom::token_id changed_vocabulary::map(lagom::token_id source) const {
  for (std::size_t t = 0; t < change.same.size(); ++t) {
    if (static_cast<lagom::token_id>(change.same[t]) == source) return static_cast<lagom::token_id>(t);
  }
  return lagom::no_token;
}

std::size_t changed_vocabulary::shared() const {
  return change.same.size() -
         static_cast<std::size_t>(std::count(change.same.begin(), change.same.end(), vocab::source_id::none));
}

lagom::result<changed_vocabulary> detail::finish(vocab::expansion change, lagom::io::tokenizer_edits files) {
  changed_vocabulary out;
  out.change = std::move(change);
  out.files = std::move(files);
  for (const lagom::io::file_edit& f : out.files.files) {
    if (f.name != "tokenizer.json") continue;
    auto tokenizer = parse_tokenizer(*f.text);
    if (!tokenizer) return tokenizer.error();
    out.tokenizer = std::move(*tokenizer);
  }
  return out;
}

vocab::reserved_texts detail::reserved_of(const source_model& source) {
  vocab::reserved_texts out;
  for (lagom::token_id t = 0; t < static_cast<lagom::token_id>(source.tokenizer().size()); ++t) {
    if (source.tokenizer().is_added(t)) out.insert(source.tokenizer().content_of(t));
  }
  return out;
}

lagom::result<changed_vocabulary> detail::finish_expansion(const source_model& source,
                                                           vocab::expansion change,
                                                           const lagom::io::tokenizer_addition& more,
                                                           std::vector<vocab::new_token> tokens,
                                                           std::uint64_t crossing) {
  auto files = lagom::io::add_tokens_to(source.directory, more, source.tensors.input_rows);
  if (!files) return files.error();
  auto out = detail::finish(std::move(change), std::move(*files));
  if (!out) return out.error();
  for (const vocab::new_token& t : tokens) {
    out->unreachable += t.reachable ? 0 : 1;
    out->unused += t.count == 0 ? 1 : 0;
  }
  out->crossing = crossing;
  out->tokens = std::move(tokens);
  return out;
}

}  // namespace expand_vocabulary
