// The passes as a WebAssembly module. JavaScript owns the memory, which may belong to another module. So this module
// has no static data, its stack is where JavaScript puts the stack pointer, and the addresses of everything else are
// arguments.
#include "overlap.h"

#define EXPORT(name) __attribute__((export_name(name)))

// 32 bits are enough for every pixel that a wasm memory can hold; 64 would need BigInts in JavaScript.
using Count = uint32_t;

using softseg::Pass;

static_assert(sizeof(Pass) == (sizeof(void*) == 4 ? 40 : 48), "src/kernels/module/request.ts writes this struct");

extern "C" {

EXPORT("itemPixels") Count item_pixels(const Pass* pass) { return static_cast<Count>(softseg::item_pixels(*pass)); }

EXPORT("scratchBytes") size_t scratch_bytes(const Pass* pass) { return softseg::scratch_bytes(*pass); }

EXPORT("overlapSums")
void overlap_sums(const Pass* pass, const float* predictions, const void* labels, const float* weights, Count first,
                  Count count, double* sums, void* scratch) {
  softseg::overlap_sums(*pass, predictions, labels, weights, first, count, sums, scratch);
}

EXPORT("entropyMap")
void entropy_map(const Pass* pass, const float* predictions, const void* labels, const float* weights,
                 const float* coefficients, Count first, Count count, float* map, void* scratch) {
  softseg::entropy_map(*pass, predictions, labels, weights, coefficients, first, count, map, scratch);
}

EXPORT("overlapGradient")
void overlap_gradient(const Pass* pass, softseg::Wrt wrt, const float* predictions, const void* labels,
                      const float* weights, const float* dy, const float* pixel_dy, Count first, Count count,
                      float* gradient, void* scratch) {
  softseg::overlap_gradient(*pass, wrt, predictions, labels, weights, dy, pixel_dy, first, count, gradient, scratch);
}

}  // extern "C"
