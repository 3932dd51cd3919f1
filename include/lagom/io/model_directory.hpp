// SPDX-License-Identifier: MIT
/// @file io/model_directory.hpp
/// The files of a model directory, and which of them still hold when the vocabulary changes.
#pragma once

#include <algorithm>
#include <filesystem>

#include "checkpoint.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What a file of a model directory is.
enum class model_file : std::uint8_t {
  weights,  ///< a part of the checkpoint
  index,    ///< model.safetensors.index.json of a sharded checkpoint
  config,   ///< config.json or generation_config.json
  stale,    ///< weights in another form, optimizer states: they hold the old matrices
  hidden,   ///< a directory of a tool (".git", ".cache"), or a link to a directory
  other,
};

struct model_entry {
  std::string name{};  ///< relative to the directory
  model_file kind{};
};

namespace detail {

/// Files by their endings that hold matrices of the old height.
[[nodiscard]] inline bool is_stale_file(std::string_view name) noexcept {
  constexpr std::string_view endings[] = {".safetensors",
                                          ".bin",
                                          ".pt",
                                          ".pth",
                                          ".ckpt",
                                          ".gguf",
                                          ".ggml",
                                          ".h5",
                                          ".msgpack",
                                          ".onnx",
                                          ".onnx_data",
                                          ".tflite",
                                          ".mlmodel",
                                          ".npz",
                                          ".nemo",
                                          ".distcp",
                                          ".engine",
                                          ".bin.index.json",
                                          ".safetensors.index.json",
                                          ".h5.index.json",
                                          ".msgpack.index.json"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view e) { return name.ends_with(e); });
}

[[nodiscard]] inline model_file kind_of(const std::string& name, const checkpoint& weights) {
  if (weights.shards().contains(name)) return model_file::weights;
  if (name == "model.safetensors.index.json" && weights.is_sharded()) return model_file::index;
  if (name == "config.json" || name == "generation_config.json") return model_file::config;
  return is_stale_file(name) ? model_file::stale : model_file::other;
}

inline result<done> list_into(const std::string& directory, const std::string& prefix, int depth,
                              const checkpoint& weights, std::vector<model_entry>& out) {
  namespace fs = std::filesystem;
  constexpr int depth_limit = 8;
  if (depth > depth_limit) return failure{.code = errc::too_deep, .file = directory};
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;
    const std::string base = at->path().filename().string(), name = prefix + base;
    if (at->is_directory(unknown)) {
      if (at->is_symlink(unknown) || base.starts_with('.')) {
        out.push_back({name + "/", model_file::hidden});
      } else if (auto ok = list_into(at->path().string(), name + "/", depth + 1, weights, out); !ok) {
        return ok;
      }
    } else if (at->is_regular_file(unknown)) {  // a link to a file is that file
      out.push_back({name, kind_of(name, weights)});
    } else {
      return failure{.code = errc::cannot_open, .file = at->path().string()};  // a dead link, a pipe
    }
  }
  if (error) return failure{.code = errc::cannot_read, .file = directory};
  return done{};
}

}  // namespace detail

/// All files under a model directory, by name; links to files count as the files (the snapshots of a download
/// cache are links into its blobs). Fails with `cannot_open` for what is neither file nor directory,
/// `cannot_read`, or `too_deep`.
[[nodiscard]] inline result<std::vector<model_entry>> list_model(const std::string& directory,
                                                                 const checkpoint& weights) {
  std::vector<model_entry> out;
  if (auto ok = detail::list_into(directory, "", 0, weights, out); !ok) return ok.error();
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
