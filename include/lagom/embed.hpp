// SPDX-License-Identifier: MIT
/// @file embed.hpp
/// Umbrella of the embedding family: initializers as plans, and what applies and judges them. Nothing here needs a third party.
#pragma once

#include "embed/align.hpp"
#include "embed/apply.hpp"
#include "embed/back_off.hpp"
#include "embed/mean.hpp"
#include "embed/merge.hpp"
#include "embed/merge_values.hpp"
#include "embed/noise.hpp"
#include "embed/plan.hpp"
#include "embed/plan_builder.hpp"
#include "embed/quantile.hpp"
#include "embed/random.hpp"
#include "embed/script_gaussian.hpp"
#include "embed/statistics.hpp"
#include "embed/subword.hpp"
#include "embed/tag.hpp"
