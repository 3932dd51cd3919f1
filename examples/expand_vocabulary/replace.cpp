// SPDX-License-Identifier: MIT
#include <filesystem>
#include <lagom/io/role_pairs.hpp>
#include <lagom/vocab/replace.hpp>

#include "change.hpp"

namespace expand_vocabulary {

namespace vocab = lagom::vocab;

lagom::result<changed_vocabulary> replace(const source_model& source, const std::string& path) {
  auto text = lagom::io::mapped_file::open(path);
  if (!text) return text.error();
  auto target = parse_tokenizer(text->text());
  if (!target) return target.error().in(path);
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const std::string beside = directory.empty() ? "." : directory;
  auto pairs = lagom::io::role_pairs(source.directory, beside, lagom::io::id_finder(source.tokenizer()),
                                     lagom::io::id_finder(**target));
  if (!pairs) return pairs.error();
  auto roles = lagom::io::special_roles_of(beside);
  if (!roles) return roles.error();
  auto files = lagom::io::replace_tokenizer_of(source.directory, std::string(text->text()), *roles,
                                               source.tensors.input_rows);
  if (!files) return files.error();
  auto change = vocab::replace(source.tokenizer(), **target, {.roles = std::move(*pairs)});
  if (!change) return change.error();
  changed_vocabulary out;
  out.change = std::move(*change);
  out.files = std::move(*files);
  out.tokenizer = std::move(*target);
  out.cuts_alike = false;
  return out;
}

}  // namespace expand_vocabulary
