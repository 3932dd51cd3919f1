// SPDX-License-Identifier: MIT
// Prepared rows on the disk; certified probes of the shipped models.
#include <algorithm>
#include <lagom/exit/certified_answer.hpp>
#include <lagom/io/prepared_head.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
using lagom::row_code;
namespace io = lagom::io;

namespace {

lagom::prepared_head some_head(row_code code, std::size_t vocab = 70, std::size_t h = 96) {
  const auto w = normal<float>(vocab * h, 3);
  return *lagom::prepare_head(lagom::portable{}, lagom::mat_view(w.data(), vocab, h), {.code = code});
}

// The file that `save_prepared_head` writes, with one thing changed.
struct forged {
  std::map<std::string, std::string> metadata{
      {"lagom", "prepared_head"}, {"schema", "2"}, {"bits", "4"},
      {"rotated", "1"},           {"key", "7"},    {"fingerprint", "9"}};
  std::vector<std::uint64_t> codes_shape{3, 8}, rows_shape{3, 3}, mean_shape{5};
  io::dtype codes_type = io::dtype::u64;
  std::vector<float> rows = std::vector<float>(9, 1.0f), mean = std::vector<float>(5);
  std::string leave_out;

  lagom::result<io::prepared_head_file> open(const scratch& dir) const {
    io::safetensors_writer out;
    for (const auto& [key, value] : metadata) out.add_metadata(key, value);
    auto bytes = static_cast<std::uint64_t>(io::info(codes_type).bits / 8);
    for (const auto n : codes_shape) bytes *= n;
    const std::vector<std::byte> codes(static_cast<std::size_t>(bytes));
    if (leave_out != "codes") out.add("codes", codes_shape, codes_type, codes);
    if (leave_out != "rows") out.add("rows", rows_shape, std::span<const float>(rows));
    if (leave_out != "mean") out.add("mean", mean_shape, std::span<const float>(mean));
    REQUIRE(out.write(dir.file("forged")));
    return io::prepared_head_file::open(dir.file("forged"));
  }
};

}  // namespace

TEST_CASE("prepared rows are saved and seen again", "[io][certified]") {
  const scratch dir;
  const std::size_t vocab = 70, h = 96;
  const auto w = normal<float>(vocab * h, 3);
  const lagom::mat_view<const float> rows(w.data(), vocab, h);
  for (const row_code code : {row_code::int8, row_code::int4, row_code::int2}) {
    const auto made = some_head(code);
    const auto p = made.view();
    REQUIRE(io::save_prepared_head(dir.file("p"), p));
    auto opened = io::prepared_head_file::open(dir.file("p"));
    REQUIRE(opened);
    const auto file = std::move(*opened);
    const auto q = file.view();
    CHECK(q.rows == p.rows);
    CHECK(q.cols == p.cols);
    CHECK(q.code == p.code);
    CHECK(q.rotated == p.rotated);
    CHECK(q.key == p.key);
    CHECK(std::equal(p.codes, p.codes + p.rows * p.pitch(), q.codes));
    CHECK(reinterpret_cast<std::uintptr_t>(q.codes) % 64 == 0);
    for (lagom::index_t r = 0; r < p.rows; ++r) {
      REQUIRE(q.scale[r] == p.scale[r]);
      REQUIRE(q.error[r] == p.error[r]);
      REQUIRE(q.norm[r] == p.norm[r]);
    }
    for (lagom::index_t j = 0; j < p.cols; ++j) REQUIRE(q.mean[j] == p.mean[j]);
    CHECK(file.made_from(lagom::portable{}, rows));
    CHECK_FALSE(file.made_from(lagom::portable{}, rows.slice_rows(0, 69)));
    auto other = w;
    other[5] += 1e-6f;
    CHECK_FALSE(file.made_from(lagom::portable{}, lagom::mat_view<const float>(other.data(), vocab, h)));
    lagom::certified_workspace a{lagom::portable{}, p}, b{lagom::portable{}, q};
    const lagom::monotone_decision decide{lagom::features<lagom::gap>{}, lagom::threshold<>{0.5f, 0}};
    const auto x = normal<float>(h, 4, 3);
    const auto s = lagom::certified_probe(lagom::portable{}, x, lagom::head{rows}, p, a, decide),
               t = lagom::certified_probe(lagom::portable{}, x, lagom::head{rows}, q, b, decide);
    CHECK(s.low.sum == t.low.sum);
    CHECK(a.upper == b.upper);
  }
  CHECK(io::save_prepared_head(dir.file("none/p"), some_head(row_code::int8).view()).error().code ==
        errc::cannot_write);
  CHECK(io::prepared_head_file::open(dir.file("none")).error().code == errc::cannot_open);
}

TEST_CASE("rows that numpy prepared are the ones that are made here", "[io][certified]") {
  const auto file = io::prepared_head_file::open(golden("prepared/int8.safetensors"));
  REQUIRE(file);
  const auto theirs = file->view();
  std::vector<float> w;
  for (int r = 0; r < 4; ++r) {
    for (int j = 0; j < 70; ++j) w.push_back(static_cast<float>((r * 31 + j * 17) % 23 - 11) / 8.0f);
  }
  const auto made = lagom::prepare_head(lagom::portable{}, lagom::mat_view<const float>(w.data(), 4, 70),
                                        {.rotate = false, .key = 7});
  REQUIRE(made);
  const auto ours = made->view();
  REQUIRE(theirs.rows == 4);
  REQUIRE(theirs.cols == 70);
  CHECK(theirs.code == row_code::int8);
  CHECK_FALSE(theirs.rotated);
  CHECK(theirs.key == 7);
  CHECK(std::equal(ours.codes, ours.codes + 4 * ours.pitch(), theirs.codes));
  for (lagom::index_t r = 0; r < 4; ++r) {
    CHECK(theirs.scale[r] == ours.scale[r]);
    CHECK(theirs.error[r] == Approx(ours.error[r]).epsilon(1e-5));
    CHECK(theirs.norm[r] == Approx(ours.norm[r]).epsilon(1e-5));
  }
  for (lagom::index_t j = 0; j < 70; ++j) CHECK(theirs.mean[j] == ours.mean[j]);
}

TEST_CASE("what are no prepared rows is refused by name", "[io][certified]") {
  const scratch dir;
  REQUIRE(forged{}.open(dir));
  const auto refused = [&](const forged& f, errc code, const char* key) {
    const auto r = f.open(dir);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == code);
    CHECK(r.error().key.view() == key);
    CHECK(r.error().file.view() == dir.file("forged"));
  };
  const auto with = [](const char* key, const char* value) {
    forged f;
    f.metadata[key] = value;
    return f;
  };
  refused(with("lagom", "plan"), errc::wrong_schema, "lagom");
  refused(with("schema", "1"), errc::wrong_schema, "schema");
  for (const char* bits : {"16", "0", "-4"}) refused(with("bits", bits), errc::bad_value, "bits");
  refused(with("rotated", "2"), errc::bad_value, "rotated");
  refused(with("key", "18446744073709551616"), errc::bad_value, "key");
  refused(with("fingerprint", ""), errc::bad_value, "fingerprint");
  for (const char* key : {"bits", "rotated", "key", "fingerprint"}) {
    forged f;
    f.metadata.erase(key);
    refused(f, errc::missing_key, key);
  }
  for (const char* name : {"codes", "rows", "mean"}) {
    forged f;
    f.leave_out = name;
    refused(f, errc::missing_tensor, name);
  }
  forged f;
  f.codes_type = io::dtype::i64;
  refused(f, errc::wrong_dtype, "codes");
  f = {};
  f.codes_shape = {3, 16};
  refused(f, errc::wrong_shape, "codes");
  f.codes_shape = {24};
  refused(f, errc::wrong_shape, "codes");
  f = {};
  f.rows_shape = {9, 1};
  refused(f, errc::wrong_shape, "rows");
  f = {};
  f.rows_shape = {3, 0};
  f.rows.clear();
  refused(f, errc::empty, "rows");
  f = {};
  f.mean_shape = {0};
  f.mean.clear();
  refused(f, errc::empty, "mean");
  f = {};
  f.mean_shape = {70000};
  f.mean.resize(70000);
  refused(f, errc::too_large, "mean");
  f = {};
  f.rows[4] = std::numeric_limits<float>::quiet_NaN();
  refused(f, errc::not_finite, "rows");
  f.rows[4] = -1;
  refused(f, errc::out_of_range, "rows");
  f = {};
  f.mean[2] = std::numeric_limits<float>::infinity();
  refused(f, errc::not_finite, "mean");

  REQUIRE(io::save_prepared_head(dir.file("whole"), some_head(row_code::int2, 3, 5).view()));
  const std::string whole = read_file(dir.file("whole"));
  for (std::size_t n = 0; n < whole.size(); n += 1 + n / 40) {
    CHECK_FALSE(io::prepared_head_file::open(dir.write("cut", whole.substr(0, n))));
  }
}

TEST_CASE("the heads of the shipped models, layer by layer as an engine would", "[io][certified]") {
  const std::string models = std::string(LAGOM_GOLDEN) + "/../../../examples/model";
  for (const char* name : {"small", "main"}) {
    const auto file = io::safetensors::open(models + "/" + name + "/model.safetensors");
    REQUIRE(file);
    const auto* tensor = file->find("lm_head.weight");
    if (tensor == nullptr) tensor = file->find("model.embed_tokens.weight");
    REQUIRE(tensor != nullptr);
    std::vector<float> w(tensor->elements());
    REQUIRE(tensor->copy_to(std::span<float>(w)));
    const std::size_t vocab = tensor->shape[0], h = tensor->shape[1];
    const auto* norm = file->find("model.norm.weight");
    REQUIRE(norm != nullptr);
    std::vector<float> g(h);
    REQUIRE(norm->copy_to(std::span<float>(g)));
    const lagom::head to{lagom::mat_view<const float>(w.data(), vocab, h), lagom::rms_norm{g, 1e-5}};
    for (const row_code code : {row_code::int8, row_code::int4, row_code::int2}) {
      const auto prepared = lagom::prepare_head(lagom::portable{}, to.rows, {.code = code});
      REQUIRE(prepared);
      lagom::certified_workspace work{lagom::portable{}, prepared->view()};
      const lagom::exit_policy policy{lagom::features<lagom::gap, lagom::top_prob>{},
                                      lagom::linear_svm<2>{{2.0f, 1.0f}, -1.2f}};
      const lagom::certified_answer cheap{policy, to, prepared->view(), work};
      int wrong = 0, stops = 0;
      for (std::uint64_t sequence = 0; sequence < 40; ++sequence) {
        auto exact = policy.begin(8), certified = policy.begin(8);
        auto x = normal<float>(h, 200 + sequence);
        const auto row = lagom::philox{1}.below(vocab, 1, sequence) * h;
        for (int l = 0; l < 8; ++l) {
          const auto noise = normal<float>(h, 1000 + 10 * sequence + static_cast<std::uint64_t>(l), 0.5);
          for (std::size_t j = 0; j < h; ++j)
            x[j] = 0.8f * x[j] + noise[j] + 0.3f * static_cast<float>(l) * w[row + j];
          const bool stop = exact.observe({.layer = l, .hidden = x}, to);
          wrong += certified.observe({.layer = l, .hidden = x}, cheap) == stop ? 0 : 1;
          wrong += certified.state().stats.top == exact.state().stats.top ? 0 : 1;
          if (stop) break;
        }
        stops += exact.stopped_at().value < 7 ? 1 : 0;
        wrong += certified.token() == exact.token() ? 0 : 1;
        wrong += certified.stopped_at() == exact.stopped_at() ? 0 : 1;
      }
      INFO(name << " " << lagom::code_bits(code));
      CHECK(wrong == 0);
      CHECK(work.account.probes > 40);
      WARN(name << " int" << lagom::code_bits(code) << ": " << stops << " of 40 stopped early, "
                << static_cast<double>(work.account.bytes_read) /
                       (static_cast<double>(work.account.probes) * static_cast<double>(w.size()) * 2)
                << " of the bytes of a bf16 head, " << work.account.full_reads << " full reads of "
                << work.account.probes);
    }
  }
}
