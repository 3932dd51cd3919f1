// SPDX-License-Identifier: MIT
// Catch2 2.13 and 3 spell their headers differently; the tests read the same under both.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
