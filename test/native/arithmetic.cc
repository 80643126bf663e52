#include <math.h>
#include <stdio.h>

#include <algorithm>

#include "cases.h"
#include "vectors.h"

void check_arithmetic(Random& random) {
  snprintf(at_work, sizeof at_work, "arithmetic");
  const auto check = [](const char* what, float x, float got, double wanted, double tolerance) {
    const bool right = isnan(wanted) ? isnan(got) : fabs(got - wanted) <= tolerance * std::max(fabs(wanted), 1e-37);
    if (right) return;
    char text[200];
    snprintf(text, sizeof text, "%s of %.9g is %.9g instead of %.9g", what, x, got, wanted);
    fail(text);
  };
  for (int i = 0; i < 20000; i++) {
    softseg::Lanes x{}, positive{}, unit{};
    for (int k = 0; k < softseg::kLanes; k++) {
      const float drawn = wild(random);
      x[k] = isnan(drawn) ? drawn : -fabsf(drawn);
      // Only normal, finite numbers are compared.
      positive[k] = fabsf(drawn) >= 1.2e-38f && fabsf(drawn) <= 3.4e38f ? fabsf(drawn) : NAN;
      unit[k] = isnan(drawn) ? drawn : static_cast<float>(random.between(0, 1));
    }
    const softseg::Lanes e = softseg::exp_of_nonpositive(x), l = softseg::log_of(positive),
                         o = softseg::log_of_one_plus(unit);
    for (int k = 0; k < softseg::kLanes; k++) {
      check("exp", x[k], e[k], x[k] < -87.33f ? 0 : exp(static_cast<double>(x[k])), 3e-7);
      check("log", positive[k], l[k], log(static_cast<double>(positive[k])), 3e-7);
      check("log(1 + x)", unit[k], o[k], log1p(static_cast<double>(unit[k])), 3e-7);
    }
  }
  printf("vectors of %d floats\n", softseg::kLanes);
}
