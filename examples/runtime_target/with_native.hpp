// SPDX-License-Identifier: MIT
// The probe, in the instructions that the including file is compiled for. Everything here and in the library has a name
// of its own in every such file, so that the linker cannot give one file's body to another; standard containers have
// not, and stay outside.
#pragma once

#include <lagom/adapt/native.hpp>

#include "probe.hpp"

namespace {

probe_result with_native(const probe_input& in) {
  static_assert(sizeof(lagom::bf16) == sizeof(unsigned short));
  const auto* const rows = reinterpret_cast<const lagom::bf16*>(in.rows);
  const lagom::head head{lagom::mat_view<const lagom::bf16>(rows, in.vocab, in.dim)};
  const auto stats = lagom::unembed(lagom::native{}, lagom::vec_view(in.hidden, in.dim), head);
  const auto isa = lagom::detail::native_isa_of(lagom::native::compiled_for);
  const char* const body = isa == lagom::detail::native_isa::avx512 ? "AVX-512"
                           : isa == lagom::detail::native_isa::avx2 ? "AVX2"
                                                                    : "portable";
  return {stats.top, stats.gap(), stats.entropy(), body};
}

}  // namespace
