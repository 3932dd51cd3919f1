// SPDX-License-Identifier: MIT
/// @file io/model_editor.hpp
/// A new model directory from an old one, with other rows in the embedding matrices.
#pragma once

#include "config_edit.hpp"
#include "edit_report.hpp"
#include "model_directory.hpp"
#include "output_directory.hpp"
#include "safetensors_edit.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A file that is not copied: its new text, or nothing when it is left out; and why, for the report.
struct file_edit {
  std::string name{};
  std::optional<std::string> text{};
  std::string why{};
};

/// What changes. Tensors and files that are not named stay as they are.
struct model_edit {
  std::vector<row_edit> tensors{};
  config_edit config{};              ///< of config.json and generation_config.json
  std::vector<file_edit> files{};    ///< of the tokenizer, mostly
  std::vector<std::string> notes{};  ///< put first into the report's
};

struct edit_options {
  bool kernel_copies = true;  ///< false: everything goes through the window, as on file systems that cannot
};

namespace detail {

/// One run of the editor.
template <class Progress>
class model_editor {
 public:
  model_editor(const std::string& source, const model_edit& edit, const edit_options& options,
               Progress& progress)
      : source_(source), edit_(edit), options_(options), progress_(progress) {}

  result<edit_report> run(const std::string& target) {
    auto weights = checkpoint::open(source_);
    if (!weights) return weights.error();
    report_.notes = edit_.notes;
    if (auto ok = check_edits(*weights); !ok) return ok.error();
    auto files = list_model(source_, *weights);
    if (!files) return files.error();
    if (auto ok = read_texts(*weights, *files); !ok) return ok.error();
    if (auto ok = require_apart(source_, target); !ok) return ok.error();
    auto out = output_directory::create(target);
    if (!out) return out.error();
    for (const model_entry& entry : *files) {
      if (entry.name == last_file) continue;
      if (auto ok = make(entry, *weights, *out); !ok) return ok.error();
    }
    for (const auto& [name, text] : texts_) {
      if (name == last_file) continue;
      if (auto ok = write_text(name, text, *out); !ok) return ok.error();
    }
    if (const auto config = texts_.find(last_file); config != texts_.end()) {
      if (auto ok = write_text(config->first, config->second, *out); !ok) return ok.error();
    } else {
      for (const model_entry& entry : *files) {
        if (entry.name != last_file) continue;
        if (auto ok = make(entry, *weights, *out); !ok) return ok.error();
      }
    }
    if (auto ok = out->commit(); !ok) return ok.error();
    return std::move(report_);
  }

 private:
  static constexpr const char* last_file = "config.json";  // without it nothing takes a directory for a model

  [[nodiscard]] std::string path(const std::string& name) const { return source_ + "/" + name; }

  /// Every edit finds its tensor, once, and fits it.
  result<done> check_edits(const checkpoint& weights) {
    for (const row_edit& e : edit_.tensors) {
      const std::string* const shard = weights.shard_of(e.tensor);
      if (shard == nullptr) return failure{.code = errc::missing_tensor, .file = source_, .key = e.tensor};
      for (const auto& [name, file] : weights.shards()) {
        if (name != *shard &&
            file.find(e.tensor) != nullptr) {  // which of the two is read is anybody's guess
          return failure{.code = errc::duplicate_key, .file = path(name), .key = e.tensor};
        }
      }
      auto layout = check(e, *weights.find(e.tensor));
      if (!layout) return layout.error().in(path(*shard));
      const auto made = std::count(e.from.begin(), e.from.end(), made_row);
      report_.tensors.push_back(
          {e.tensor, *shard, layout->rows, e.from.size(), static_cast<std::uint64_t>(made)});
      by_file_[*shard].push_back(&e);
    }
    for (const auto& [name, edits] : by_file_) {
      auto size = edited_size(weights.shards().at(name), edits);
      if (!size) return size.error().in(path(name));
    }
    for (const auto& [name, file] : weights.shards()) {
      const auto edits = by_file_.find(name);
      total_ += edits == by_file_.end() ? file.data_size() : *edited_size(file, edits->second);
    }
    return done{};
  }

  /// The small files that change, made before anything is written.
  result<done> read_texts(const checkpoint& weights, const std::vector<model_entry>& files) {
    const bool resized = edit_.config.new_size != edit_.config.old_size;
    const bool changed = resized || !edit_.config.ids.empty() || edit_.config.rows < config_edit().rows;
    for (const model_entry& entry : files) {
      if (entry.kind == model_file::config && changed) {
        auto file = mapped_file::open(path(entry.name));
        if (!file) return file.error();
        std::vector<std::string> notes;
        auto text = edit_config(file->text(), edit_.config, resized && entry.name == "config.json", notes);
        if (!text) return text.error().in(path(entry.name));
        for (const std::string& note : notes) report_.notes.push_back(entry.name + ", " + note);
        if (auto ok = put(entry.name, std::move(*text)); !ok) return ok;
      } else if (entry.kind == model_file::index) {
        auto text = edited_index(weights);
        if (!text) return text.error().in(path(entry.name));
        if (auto ok = put(entry.name, std::move(*text)); !ok) return ok;
      }
    }
    for (const file_edit& f : edit_.files) {
      why_[f.name] = &f;
      if (!f.text) continue;
      if (auto ok = put(f.name, *f.text); !ok) return ok;
    }
    return done{};
  }

  /// A text that is the file's own is no edit: the file is copied.
  result<done> put(const std::string& name, std::string text) {
    std::error_code unknown;
    if (std::filesystem::exists(path(name), unknown)) {
      auto old = mapped_file::open(path(name));
      if (!old) return old.error();
      if (old->text() == text) return done{};
    }
    texts_[name] = std::move(text);
    return done{};
  }

  /// "total_size" and "total_parameters" of the index, where it has them.
  result<std::string> edited_index(const checkpoint& weights) {
    auto index = load_json_text(path("model.safetensors.index.json"));
    if (!index) return index.error();
    if (const auto at = index->find({"metadata", "total_size"})) index->replace(*at, std::to_string(total_));
    if (const auto at = index->find({"metadata", "total_parameters"})) {
      const json* const count = find(*find(index->value(), "metadata"), "total_parameters");
      if (!count->is_number_integer())
        return failure{.code = errc::wrong_type, .key = "metadata.total_parameters"};
      std::int64_t sum = count->get<std::int64_t>(), change = 0;
      for (const row_edit& e : edit_.tensors) {
        const tensor_view& t = *weights.find(e.tensor);
        const std::uint64_t old = t.shape[e.axis], each = old == 0 ? 0 : t.elements() / old;
        const auto rows = static_cast<std::int64_t>(e.from.size()) - static_cast<std::int64_t>(old);
        if (__builtin_mul_overflow(static_cast<std::int64_t>(each), rows, &change) ||
            __builtin_add_overflow(sum, change, &sum)) {
          return failure{.code = errc::overflow, .key = "metadata.total_parameters"};
        }
      }
      index->replace(*at, std::to_string(sum));
    }
    return index->edited();
  }

  result<done> make(const model_entry& entry, const checkpoint& weights, const output_directory& out) {
    const auto edited = why_.find(entry.name);
    if (edited != why_.end() && !edited->second->text) {
      return said(entry.name, file_action::left_out, edited->second->why);
    }
    if (texts_.contains(entry.name)) return done{};
    if (entry.kind == model_file::stale) {
      return said(entry.name, file_action::left_out, "may hold the old matrices");
    }
    if (entry.kind == model_file::hidden)
      return said(entry.name, file_action::left_out, "is no part of the model");
    if (auto ok = out.make_parent_of(entry.name); !ok) return ok;
    auto file = range_writer::create(out.file(entry.name), options_.kernel_copies);
    if (!file) return file.error();
    result<done> ok = done{};
    const auto edits = by_file_.find(entry.name);
    if (edits != by_file_.end()) {
      ok = write_edited(path(entry.name), weights.shards().at(entry.name), edits->second, *file,
                        [this](std::uint64_t bytes) { advance(bytes); });
    } else {
      auto source = source_file::open(path(entry.name));
      if (!source) return source.error();
      ok = file->copy(*source);
      if (ok && entry.kind == model_file::weights) advance(weights.shards().at(entry.name).data_size());
    }
    if (ok) ok = file->finish();
    if (!ok) return ok.error().in(path(entry.name));
    report_.bytes.copied += file->counts().copied;
    report_.bytes.written += file->counts().written;
    return said(entry.name, edits != by_file_.end() ? file_action::edited : file_action::copied, "");
  }

  result<done> write_text(const std::string& name, const std::string& text, const output_directory& out) {
    if (auto ok = out.make_parent_of(name); !ok) return ok;
    auto file = range_writer::create(out.file(name));
    if (!file) return file.error();
    if (auto ok = file->write(text); !ok) return ok;
    if (auto ok = file->finish(); !ok) return ok;
    report_.bytes.written += text.size();
    const auto edited = why_.find(name);
    return said(name, file_action::edited, edited == why_.end() ? "" : edited->second->why);
  }

  result<done> said(const std::string& name, file_action action, const std::string& why) {
    report_.files.push_back({name, action, why});
    return done{};
  }
  void advance(std::uint64_t bytes) {
    done_ += bytes;
    progress_(done_, total_);
  }

  const std::string& source_;
  const model_edit& edit_;
  const edit_options& options_;
  Progress& progress_;
  edit_report report_;
  std::map<std::string, std::vector<const row_edit*>> by_file_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, const file_edit*> why_;
  std::uint64_t total_ = 0, done_ = 0;
};

}  // namespace detail

/// Writes the model directory `target` from `source`: the tensors of the edit get their new rows, everything
/// else keeps its bytes. Shapes, offsets, the index and the configurations follow; files with stale copies of
/// the matrices are left out and listed.
///
/// ```cpp
/// lagom::io::model_edit edit;
/// edit.tensors.push_back({"model.embed_tokens.weight", from, rows});  // by new row: an old one, or made_row
/// edit.config = {.old_size = 32000, .new_size = 32104};
/// auto report = lagom::io::edit_model("old", "new", edit);
/// ```
/// Memory: the made rows, which are the caller's, 8 bytes a target row, the headers, and a window of 1 MiB;
/// files are seen through read-only mappings. The source is only read. The target appears at the end,
/// complete and flushed to the disk, with one rename; before, its files lie in "TARGET.partial-...", where
/// config.json comes last. `progress(done, total)` is told the bytes of tensors.
///
/// Fails with the errors of `checkpoint::open`, `check`, `edit_config`, `list_model` and
/// `output_directory::create`; `duplicate_key` for a tensor that two edits or two shards have;
/// `unsupported` when one directory lies in the other.
template <class Progress>
result<edit_report> edit_model(const std::string& source, const std::string& target, const model_edit& edit,
                               const edit_options& options, Progress&& progress) {
  return detail::model_editor<std::remove_reference_t<Progress>>(source, edit, options, progress).run(target);
}
[[nodiscard]] inline result<edit_report> edit_model(const std::string& source, const std::string& target,
                                                    const model_edit& edit,
                                                    const edit_options& options = {}) {
  return edit_model(source, target, edit, options, [](std::uint64_t, std::uint64_t) {});
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
