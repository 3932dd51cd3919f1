// SPDX-License-Identifier: MIT
// Accounts of what was lost.
#include <lagom/prompt/losses.hpp>

#include <string>

#include "support/catch.hpp"

namespace own {  // a user's enum: nothing of lagom is reopened
enum class why : std::uint8_t { too_long, empty };
constexpr std::array<std::string_view, 2> names_of(why) { return {"too_long", "empty"}; }
enum class verdict : std::uint8_t { ok, bad };
constexpr std::array<std::string_view, 2> names_of(verdict) { return {"ok", "bad"}; }
enum class nameless : std::uint8_t { one };
}  // namespace own

using namespace lagom::prompt;

static_assert(named_enum<own::why> && !named_enum<own::nameless> && !named_enum<int>);
static_assert(std::is_trivially_copyable_v<losses<own::why>>);

TEST_CASE("what went in came out or was lost", "[prompt][losses]") {
  losses<own::why> a;
  CHECK(a.balanced());
  a.keep(3);
  a.drop(own::why::empty, 2);
  CHECK(a.in == 5);
  CHECK(a.out == 3);
  CHECK(a.lost() == 2);
  CHECK(a[own::why::empty] == 2);
  CHECK(a[own::why::too_long] == 0);
  CHECK(a.balanced());

  a.took();  // a reader counts it; nobody says what became of it
  CHECK_FALSE(a.balanced());
  a.lose(own::why::too_long);
  CHECK(a.balanced());

  losses<own::why> b = a;
  b.merge(losses<own::why>{});
  CHECK(b == a);
  b.merge(a);
  CHECK(b.in == 12);
  CHECK(b.lost() == 6);

  std::string said;
  a.for_each([&](std::string_view name, std::uint64_t n) { said.append(name).append(std::to_string(n)); });
  CHECK(said == "too_long1empty2");
}

TEST_CASE("a result that is ok is kept", "[prompt][losses]") {
  losses<own::verdict> a;
  a.count(own::verdict::ok, 2);
  a.count(own::verdict::bad);
  CHECK(a.in == 3);
  CHECK(a.out == 2);
  CHECK(a[own::verdict::bad] == 1);
  CHECK(a[own::verdict::ok] == 0);
  CHECK(a.balanced());
  CHECK(name_of(own::verdict::bad) == "bad");
  CHECK(name_of(static_cast<own::verdict>(7)).empty());
}
