// SPDX-License-Identifier: MIT
// Names that other people's code defines as macros: an engine's, a kernel's, termios', a test framework's.
// Standard headers come first, because they have the right to these names and libstdc++ undefines some.
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define I poisoned
#define small poisoned
#define B0 poisoned
#define Status poisoned
#define CHECK poisoned
#define ASSERT poisoned
#define check poisoned
#define min(a, b) poisoned
#define max(a, b) poisoned
