// SPDX-License-Identifier: MIT
#include "lines.hpp"

#include "report.hpp"

namespace pivot_data {

namespace {
constexpr std::size_t part = std::size_t{1} << 18;
}

line_source::line_source(std::string path) : path_(std::move(path)) {
  file_ = path_ == "-" ? stdin : std::fopen(path_.c_str(), "rb");
  if (file_ == nullptr) stop({.code = lagom::errc::cannot_open, .file = path_});
  if (path_ == "-") path_ = "standard input";
}
line_source::~line_source() {
  if (file_ != nullptr && file_ != stdin) std::fclose(file_);
}

bool line_source::fill() {
  const std::size_t before = buffer_.size();
  buffer_.resize(before + part);
  const std::size_t got = std::fread(buffer_.data() + before, 1, part, file_);
  buffer_.resize(before + got);
  if (got == 0 && std::ferror(file_) != 0) stop({.code = lagom::errc::cannot_read, .file = path_});
  return got > 0;
}

bool line_source::next(std::string_view& line) {
  std::size_t end = std::string::npos;
  for (std::size_t from = begin_; (end = buffer_.find('\n', from)) == std::string::npos;) {
    buffer_.erase(0, begin_);
    from = buffer_.size();
    begin_ = 0;
    if (!fill()) break;
  }
  if (end == std::string::npos && begin_ == buffer_.size()) return false;
  line = std::string_view(buffer_).substr(begin_, end == std::string::npos ? end : end - begin_);
  begin_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (++number_ == 1 && line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
  return true;
}

line_sink::line_sink(const std::string& path) {
  if (path != "-") file_.emplace(must(lagom::io::atomic_file::create(path)));
}
void line_sink::write(std::string_view line) {
  buffer_.append(line).push_back('\n');
  if (buffer_.size() >= part) flush();
}
void line_sink::flush() {
  if (file_) {
    must(file_->write(buffer_));
  } else if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size() ||
             std::fflush(stdout) != 0) {
    stop({.code = lagom::errc::cannot_write, .key = "standard output"});
  }
  buffer_.clear();
}
void line_sink::commit() {
  flush();
  if (file_) must(file_->commit());
}

}  // namespace pivot_data
