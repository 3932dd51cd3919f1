// expect: (could not convert|conversion from|no viable conversion|cannot convert|no match)
// SPDX-License-Identifier: MIT
#include <lagom/core/layer.hpp>

lagom::layers_used used(3);
#ifdef WITHOUT_FAULT
lagom::layer_index index = lagom::stopped_at(used);
#else
lagom::layer_index index = used;
#endif
