// SPDX-License-Identifier: MIT
/// @file io/corpus_checkpoint.hpp
/// Corpus counts in a file, and how far into the corpus they go.
#pragma once

#include <optional>

#include "../vocab/fingerprint.hpp"
#include "atomic_file.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What tells a corpus file from another: its size, when it was written (nanoseconds) and a hash of its first
/// and its last 64 KiB.
struct corpus_file_identity {
  std::uint64_t size = 0, modified = 0, sample = 0;
  friend bool operator==(const corpus_file_identity&, const corpus_file_identity&) = default;
};

/// Counts of the lines that begin before a place in a list of files.
///
/// The file, all numbers little-endian: 8 bytes "lagomcor"; u32 version, 1; u64 tokenizer; u64 number of
/// files, then u64 size, u64 modified and u64 sample of each; u64 file, u64 offset; u64 lines, bytes and
/// characters; u64 number of added tokens, then u32 id and u64 count of each, by rising id; u64 number of
/// pre-tokens, then count, length (LEB128, as short as it can be) and bytes of each, in lexicographic order; u64
/// FNV-1a hash of all bytes before it. One value has one form.
struct corpus_checkpoint {
  std::uint64_t tokenizer = 0;  ///< `vocab::fingerprint`, or what the program tells tokenizers apart by
  std::vector<corpus_file_identity> files{};
  std::uint64_t file = 0;    ///< index of the file that is being counted; `files.size()` when all are done
  std::uint64_t offset = 0;  ///< in that file
  vocab::corpus_counts counts{};
  friend bool operator==(const corpus_checkpoint&, const corpus_checkpoint&) = default;
};

namespace detail {

inline constexpr std::string_view corpus_magic = "lagomcor";
inline constexpr std::uint32_t corpus_version = 1;

/// Appends numbers and texts, handing full buffers to `write(text) -> result<done>`.
template <class Write>
class corpus_writer {
 public:
  explicit corpus_writer(Write write) : write_(write) {}
  void number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) put(static_cast<unsigned char>((value >> (8 * i)) & 0xFFu));
  }
  void varint(std::uint64_t value) {
    for (; value > 0x7F; value >>= 7) put(static_cast<unsigned char>((value & 0x7Fu) | 0x80u));
    put(static_cast<unsigned char>(value));
  }
  void text(std::string_view bytes) {
    buffer_.append(bytes);
    if (buffer_.size() >= limit) flush();
  }
  result<done> finish() {
    flush();
    number(hash_.value(), 8);
    flush();
    if (why_) return *why_;
    return done{};
  }

 private:
  static constexpr std::size_t limit = std::size_t{1} << 20;
  void put(unsigned char byte) { buffer_.push_back(static_cast<char>(byte)); }
  void flush() {
    hash_.push(buffer_);
    if (!why_) {
      if (auto ok = write_(std::string_view(buffer_)); !ok) why_ = ok.error();
    }
    buffer_.clear();
  }
  Write write_;
  std::string buffer_;
  vocab::fnv1a hash_;
  std::optional<failure> why_;
};

/// Takes numbers and texts off a file's bytes; the first one that is not there is the failure.
struct corpus_reader {
  std::string_view bytes;
  std::size_t at = 0;
  std::optional<failure> why{};

  bool fail(errc code, std::string_view key) {
    if (!why) why = failure{.code = code, .key = key, .byte = at};
    return false;
  }
  std::string_view text(std::uint64_t size, std::string_view key) {
    if (why || size > bytes.size() - at) {
      fail(errc::truncated, key);
      return {};
    }
    const std::string_view out = bytes.substr(at, static_cast<std::size_t>(size));
    at += out.size();
    return out;
  }
  std::uint64_t number(unsigned size, std::string_view key) {
    std::uint64_t out = 0;
    unsigned shift = 0;
    for (const char c : text(size, key)) {
      out |= std::uint64_t{static_cast<unsigned char>(c)} << shift;
      shift += 8;
    }
    return out;
  }
  std::uint64_t varint(std::string_view key) {
    std::uint64_t out = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::string_view c = text(1, key);
      if (c.empty()) return 0;
      const auto byte = static_cast<unsigned char>(c[0]);
      if (shift == 63 && byte > 1) return fail(errc::overflow, key);
      out |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) fail(errc::bad_value, key);  // not the shortest form
        return out;
      }
    }
  }
};

template <class Write>
result<done> serialize(const corpus_checkpoint& c, Write write) {
  corpus_writer<Write> out(write);
  out.text(corpus_magic);
  out.number(corpus_version, 4);
  out.number(c.tokenizer, 8);
  out.number(c.files.size(), 8);
  for (const corpus_file_identity& f : c.files) {
    for (const std::uint64_t n : {f.size, f.modified, f.sample}) out.number(n, 8);
  }
  const auto& counts = c.counts;
  for (const std::uint64_t n : {c.file, c.offset, counts.lines(), counts.bytes(), counts.characters()}) {
    out.number(n, 8);
  }
  out.number(counts.added().size(), 8);
  for (const auto& [token, count] : counts.added()) {
    out.number(static_cast<std::uint32_t>(token), 4);
    out.number(count, 8);
  }
  out.number(counts.pre_tokens().size(), 8);
  counts.pre_tokens().for_each([&](std::string_view piece, std::uint64_t count) {
    out.varint(count);
    out.varint(piece.size());
    out.text(piece);
  });
  return out.finish();
}

}  // namespace detail

/// The bytes of a checkpoint file.
[[nodiscard]] inline std::string corpus_checkpoint_bytes(const corpus_checkpoint& c) {
  std::string out;
  (void)detail::serialize(c, [&](std::string_view text) -> result<done> {
    out += text;
    return done{};
  });
  return out;
}

/// Writes a checkpoint in the place of the one that was there. Fails with `cannot_write`.
inline result<done> write_corpus_checkpoint(const std::string& path, const corpus_checkpoint& c) {
  auto file = atomic_file::create(path);
  if (!file) return file.error();
  if (auto ok = detail::serialize(c, [&](std::string_view text) { return file->write(text); }); !ok)
    return ok;
  return file->commit();
}

/// Reads the bytes of a checkpoint file. Fails with `wrong_schema` (no checkpoint, or of another version),
/// `truncated`, `trailing_bytes`, `bad_value` (a hash that is wrong, a count of 0, lists that are out of order, a
/// number that is not in its shortest form), `out_of_range` (a place outside the files) or `overflow`. Memory
/// is at most a small multiple of the file.
inline result<corpus_checkpoint> parse_corpus_checkpoint(std::string_view bytes) {
  using detail::corpus_magic;
  detail::corpus_reader in{.bytes = bytes};
  const bool is_one = bytes.substr(0, corpus_magic.size()) == corpus_magic;
  if (!is_one) return failure{.code = errc::wrong_schema, .key = "corpus checkpoint"};
  in.at = corpus_magic.size();
  const std::uint64_t version = in.number(4, "version");
  if (!in.why && version != detail::corpus_version) {
    return failure{
        .code = errc::wrong_schema, .key = "version", .expected = detail::corpus_version, .found = version};
  }
  if (bytes.size() < in.at + 8) return failure{.code = errc::truncated, .key = "hash"};
  vocab::fnv1a hash;
  hash.push(bytes.substr(0, bytes.size() - 8));
  detail::corpus_reader last{.bytes = bytes, .at = bytes.size() - 8};
  if (last.number(8, "hash") != hash.value()) return failure{.code = errc::bad_value, .key = "hash"};
  in.bytes.remove_suffix(8);

  corpus_checkpoint out;
  out.tokenizer = in.number(8, "tokenizer");
  const std::uint64_t files = in.number(8, "files");
  for (std::uint64_t i = 0; i < files && !in.why; ++i) {
    corpus_file_identity f;
    for (std::uint64_t* n : {&f.size, &f.modified, &f.sample}) *n = in.number(8, "files");
    out.files.push_back(f);
  }
  out.file = in.number(8, "place");
  out.offset = in.number(8, "place");
  if (!in.why &&
      (out.file < files ? out.offset > out.files[out.file].size : out.file > files || out.offset != 0)) {
    in.fail(errc::out_of_range, "place");
  }
  vocab::corpus_size size;
  for (std::uint64_t* n : {&size.lines, &size.bytes, &size.characters}) *n = in.number(8, "corpus size");
  out.counts.push(size);
  std::uint64_t total = 0;
  const auto believe = [&](std::uint64_t count, bool rises, std::string_view key) {
    if (count == 0 || !rises) return in.fail(errc::bad_value, key);
    if (count > ~std::uint64_t{0} - total) return in.fail(errc::overflow, key);
    total += count;
    return !in.why;
  };
  const std::uint64_t added = in.number(8, "added tokens");
  std::int64_t before = -1;
  for (std::uint64_t i = 0; i < added && !in.why; ++i) {
    const auto id = static_cast<std::int64_t>(in.number(4, "added tokens"));
    const std::uint64_t count = in.number(8, "added tokens");
    if (in.why || !believe(count, id > before && id <= 0x7FFFFFFF, "added tokens")) break;
    out.counts.push_added(static_cast<token_id>(id), count);
    before = id;
  }
  const std::uint64_t pieces = in.number(8, "pre-tokens");
  std::string_view previous;
  for (std::uint64_t i = 0; i < pieces && !in.why; ++i) {
    const std::uint64_t count = in.varint("pre-tokens");
    const std::string_view piece = in.text(in.varint("pre-tokens"), "pre-tokens");
    if (in.why || !believe(count, i == 0 || previous < piece, "pre-tokens")) break;
    out.counts.push_pre_token(piece, count);
    previous = piece;
  }
  if (in.why) return *in.why;
  if (in.at != in.bytes.size()) return failure{.code = errc::trailing_bytes, .byte = in.at};
  return out;
}

/// Reads a checkpoint file. Fails with the errors of `mapped_file::open` and of `parse_corpus_checkpoint`.
inline result<corpus_checkpoint> read_corpus_checkpoint(const std::string& path) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto parsed = parse_corpus_checkpoint(file->text());
  if (!parsed) return parsed.error().in(path);
  return parsed;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
