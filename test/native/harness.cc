// Runs native/ on random cases; it is compiled with sanitizers. It calls the passes as src/kernels/wasm and
// src/kernels/cpu do, and TensorFlow's ops through the functions that they register. Every tensor and all scratch
// memory are in heap allocations of exactly their size. If values are moderate, results are compared with plain loops
// in float64, which also checks the code for each width of vectors.
//
//     harness <seed> <cases> [first case]
//     harness fault <kind>                 makes a mistake that a sanitizer must find: heap, arithmetic or race
//
// A case depends only on the seed and its number; a failure prints both.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "cases.h"
#include "fakeTensorflow.h"
#include "overlap.h"
#include "threads.h"
#include "vectors.h"
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif

using fake::Block;
using fake::Result;
using fake::Values;
using softseg::Pass;

// native/wasm.cc.
extern "C" {
uint32_t item_pixels(const Pass* pass);
size_t scratch_bytes(const Pass* pass);
void overlap_sums(const Pass* pass, const float* predictions, const void* labels, const float* weights, uint32_t first,
                  uint32_t count, double* sums, void* scratch);
void entropy_map(const Pass* pass, const float* predictions, const void* labels, const float* weights,
                 const float* coefficients, uint32_t first, uint32_t count, float* map, void* scratch);
void overlap_gradient(const Pass* pass, softseg::Wrt wrt, const float* predictions, const void* labels,
                      const float* weights, const float* dy, const float* pixel_dy, uint32_t first, uint32_t count,
                      float* gradient, void* scratch);
}

namespace {

Pass pass_of(const Case& of, int64_t class_stride, int32_t sums, const float* pos_weight) {
  return {static_cast<int32_t>(of.classes),
          static_cast<int32_t>(of.classes_first ? class_stride : 1),
          of.label_kind,
          of.activation,
          of.entropy_kind,
          of.subtract_entropy,
          sums,
          of.sharpness,
          of.label_smoothing,
          pos_weight};
}

// Scratch memory of exactly the size that a pass requests, filled with values that it must not read.
Block scratch_for(const Pass& pass, int filler) {
  Block scratch(scratch_bytes(&pass));
  memset(scratch.data(), filler, scratch.bytes());
  return scratch;
}

Block floats(const float* values, int64_t count) {
  return Block::of(std::vector<float>(values, values + (values ? count : 0)));
}

std::vector<float> taken(const Block& block) {
  return std::vector<float>(block.as<float>(), block.as<float>() + block.bytes() / sizeof(float));
}

// [S,C] of sample n from [S,N,C].
std::vector<float> upstream_of(const Case& of, int64_t n) {
  std::vector<float> upstream;
  for (int32_t s = 0; s < of.rows(); s++)
    for (int64_t c = 0; c < of.classes; c++)
      upstream.push_back(of.dy[static_cast<size_t>((s * of.samples + n) * of.classes + c)]);
  return upstream;
}

// Calls the passes as src/kernels/wasm/passes.ts does: each sample in place, sums in pieces. Samples are copied to
// allocations of their own, like the pieces of src/kernels/cpu.
Results through_wasm(const Case& of, int filler) {
  Results results;
  results.sums.resize(static_cast<size_t>(of.rows() * of.samples * of.classes));
  const Block pos_weight = Block::of(of.pos_weight);
  const float* const positive = of.pos_weight.empty() ? nullptr : pos_weight.as<float>();
  const Pass pass = pass_of(of, of.pixels, of.sums, positive);
  const Pass entropy = pass_of(of, of.pixels, softseg::kCrossEntropy, positive);
  const Block scratch = scratch_for(pass, filler);
  const Block coefficients = Block::of(of.coefficients);
  const uint32_t pixels = static_cast<uint32_t>(of.pixels);
  const size_t label_bytes = of.samples == 0 ? 0 : of.labels.block.bytes() / static_cast<size_t>(of.samples);
  for (int64_t n = 0; n < of.samples; n++) {
    const Block predictions = floats(of.predictions.block.as<float>() + n * of.values(), of.values());
    const char* const from = of.labels.block.as<char>() + static_cast<size_t>(n) * label_bytes;
    const Block labels = Block::of(std::vector<char>(from, from + label_bytes));
    const Block weights = floats(of.weights.block.as<float>() + n * of.pixels, of.weighted ? of.pixels : 0);
    const float* const w = of.weighted ? weights.as<float>() : nullptr;
    const auto* p = predictions.as<const float>();

    const Block sums(static_cast<size_t>(of.rows() * of.classes) * sizeof(double));
    const uint32_t item = item_pixels(&pass);
    for (uint32_t first = 0; first < pixels; first += item) {
      overlap_sums(&pass, p, labels.data(), w, first, std::min(item, pixels - first), sums.as<double>(),
                   scratch.data());
      for (int32_t s = 0; s < of.rows(); s++)
        for (int64_t c = 0; c < of.classes; c++)
          results.sums[static_cast<size_t>((s * of.samples + n) * of.classes + c)] +=
              sums.as<double>()[s * of.classes + c];
    }

    const auto append = [](std::vector<float>& to, const Block& block) {
      const std::vector<float> values = taken(block);
      to.insert(to.end(), values.begin(), values.end());
    };
    const Block map(static_cast<size_t>(of.pixels) * sizeof(float));
    entropy_map(&entropy, p, labels.data(), w, coefficients.as<float>(), 0, pixels, map.as<float>(), scratch.data());
    append(results.map, map);

    const Block upstream = Block::of(upstream_of(of, n));
    const Block pixel_dy = floats(of.map_dy.data() + n * of.pixels, of.pixels);
    for (const softseg::Wrt wrt : {softseg::kPredictions, softseg::kLabels}) {
      // Labels that are not float32 have no gradient.
      if (wrt == softseg::kLabels && of.label_kind != softseg::kFloat32) continue;
      const Block gradient(predictions.bytes()), map_gradient(predictions.bytes());
      overlap_gradient(&pass, wrt, p, labels.data(), w, upstream.as<float>(), nullptr, 0, pixels, gradient.as<float>(),
                       scratch.data());
      overlap_gradient(&entropy, wrt, p, labels.data(), w, coefficients.as<float>(), pixel_dy.as<float>(), 0, pixels,
                       map_gradient.as<float>(), scratch.data());
      append(results.gradients[wrt], gradient);
      append(results.map_gradients[wrt], map_gradient);
    }
  }
  return results;
}

// The inputs of a TensorFlow op that are not in a case.
struct Call {
  std::string name;
  std::vector<int32_t> pass;
  Values parameters, dy;
  bool is_gradient;
};

Call call_of(const Case& of, bool map, bool gradient, softseg::Wrt wrt) {
  std::vector<float> parameters = {static_cast<float>(of.samples), static_cast<float>(of.classes), of.sharpness,
                                   of.label_smoothing};
  parameters.insert(parameters.end(), of.pos_weight.begin(), of.pos_weight.end());
  if (map) parameters.insert(parameters.end(), of.coefficients.begin(), of.coefficients.end());
  const std::vector<int64_t> dims = {static_cast<int64_t>(parameters.size())};
  return {std::string(map ? "SoftsegEntropyMap" : "SoftsegSums") + (gradient ? "Gradient" : ""),
          {of.activation, of.indices(), of.classes_first, of.entropy_kind, of.subtract_entropy, !of.pos_weight.empty(),
           map ? 0 : of.sums, wrt},
          tensor(TF_FLOAT, dims, parameters),
          map ? tensor(TF_FLOAT, {of.samples, of.pixels}, of.map_dy)
              : tensor(TF_FLOAT, {of.rows(), of.samples, of.classes}, of.dy),
          gradient};
}

Result run(const Case& of, const Call& call) {
  std::vector<const Values*> inputs = {&of.labels, &of.predictions, &of.weights, &call.parameters};
  if (call.is_gradient) inputs.push_back(&call.dy);
  return fake::run_op(call.name, call.pass, inputs);
}

std::vector<float> output_of(const Case& of, bool map, bool gradient, softseg::Wrt wrt,
                             const std::vector<int64_t>& dims) {
  const Call call = call_of(of, map, gradient, wrt);
  const Result result = run(of, call);
  if (result.code != TF_OK) fail(call.name + " failed: " + result.message);
  if (result.dims != dims) fail(call.name + " gave another shape");
  return result.output;
}

Results through_ops(const Case& of) {
  Results results;
  const std::vector<float> sums =
      output_of(of, false, false, softseg::kPredictions, {of.rows(), of.samples, of.classes});
  results.sums.assign(sums.begin(), sums.end());
  results.map = output_of(of, true, false, softseg::kPredictions, {of.samples, of.pixels});
  for (const softseg::Wrt wrt : {softseg::kPredictions, softseg::kLabels}) {
    if (wrt == softseg::kLabels && of.label_kind != softseg::kFloat32) continue;
    results.gradients[wrt] = output_of(of, false, true, wrt, of.predictions.dims);
    results.map_gradients[wrt] = output_of(of, true, true, wrt, of.predictions.dims);
  }
  return results;
}

void run_case(const Case& of) {
  const Results results = through_wasm(of, 0x00);
  if (!same_bits(results, through_wasm(of, 0xff))) fail("results depend on what was in the scratch memory before");
  const Results ops = through_ops(of);
  if (!same_bits(ops, through_ops(of))) fail("an op gives other bits the second time");
  if (!of.moderate) return;
  const Results right = by_definition(of);
  expect_near("the passes", results, right);
  expect_near("the ops", ops, right);
}

// --- Invalid inputs ---

Values ones(TF_DataType type, std::vector<int64_t> dims) {
  int64_t size = 1;
  for (const int64_t n : dims) size *= n;
  const size_t count = static_cast<size_t>(size);
  if (type == TF_BOOL) return tensor(type, std::move(dims), std::vector<uint8_t>(count, 1));
  if (type == TF_INT32) return tensor(type, std::move(dims), std::vector<int32_t>(count, 1));
  return tensor(type, std::move(dims), std::vector<float>(count, 1.f));
}

// Changes some of an op's inputs so that they may no longer fit together. The op must return an error status, or a
// result if they still fit.
void lie(Random& random, Case& of) {
  const bool map = random.one_in(2), gradient = random.one_in(2);
  Call call = call_of(of, map, gradient, softseg::kPredictions);
  const auto size_of = [](const Values& values) {
    return static_cast<int64_t>(values.block.bytes()) / (values.type == TF_BOOL ? 1 : 4);
  };
  const auto resize = [&](Values& values) {
    const int64_t size = size_of(values);
    const int64_t less = std::max<int64_t>(size - 1, 0);
    values = ones(values.type, {random.of<int64_t>({size + 1, less, size / 2, 0, 1})});
  };
  for (int64_t lies = 1 + random.below(2); lies > 0; lies--) {
    switch (random.below(9)) {
      case 0: resize(of.labels); break;
      case 1: resize(of.predictions); break;
      case 2: resize(of.weights); break;
      case 3: resize(call.dy); break;
      case 4: of.labels = ones(random.of({TF_FLOAT, TF_INT32, TF_BOOL}), of.labels.dims); break;
      case 5: of.labels = ones(random.of({TF_FLOAT, TF_INT32, TF_BOOL}), {of.samples, of.pixels}); break;
      case 6: {
        const auto* const values = call.parameters.block.as<float>();
        std::vector<float> others(values, values + size_of(call.parameters));
        others.resize(static_cast<size_t>(random.below(static_cast<int64_t>(others.size()) + 4)), 1.f);
        call.parameters = tensor(TF_FLOAT, {static_cast<int64_t>(others.size())}, others);
        break;
      }
      case 7: {
        if (size_of(call.parameters) < 2) break;
        const float other = random.of({0.f, 1.f, 2.f, 3.f, 4.f, 1.5f, 16777216.f});
        call.parameters.block.as<float>()[random.below(2)] = random.one_in(2) ? wild(random) : other;
        break;
      }
      default: {
        const size_t place = static_cast<size_t>(random.below(8));
        call.pass[place] = random.one_in(2) ? wild_int(random) : static_cast<int32_t>(random.below(3));
      }
    }
  }
  const Result result = run(of, call);
  if (result.code != TF_OK && result.code != TF_INVALID_ARGUMENT && result.code != TF_RESOURCE_EXHAUSTED) {
    fail(call.name + " ended with code " + std::to_string(result.code));
  }
  if (result.code != TF_OK && result.message.find(call.name) != 0 && result.code == TF_INVALID_ARGUMENT) {
    fail("a message does not name the op: " + result.message);
  }
}

// --- Threads ---

// Several callers share the helper threads, like threads of Node: each piece must be worked on exactly once.
void check_threads() {
  snprintf(at_work, sizeof at_work, "threads");
  constexpr int kCallers = 3, kThreads = 4, kRounds = 200, kPieces = 37;
  auto* const threads = new softseg::Threads;
  const auto caller = [&] {
    for (int round = 0; round < kRounds; round++) {
      // This is not atomic, so the sanitizer detects two threads working on one piece.
      std::vector<int> done(kPieces), of_thread(kThreads);
      threads->run(kPieces, 1 + round % kThreads, [&](int64_t piece, int thread) {
        done[piece]++;
        of_thread[thread]++;
      });
      int total = 0;
      for (const int times : of_thread) total += times;
      for (const int times : done)
        if (times != 1 || total != kPieces) fail("a piece was not worked on once");
    }
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; i++) callers.emplace_back(caller);
  for (std::thread& thread : callers) thread.join();
}

// Calls ops large enough for several threads from several threads.
void check_ops_in_threads(uint64_t seed) {
  constexpr int64_t kEnough = 700000;
  for (uint64_t number = 0; number < 4; number++) {
    Random random(seed, (uint64_t{1} << 31) + number);
    Case of = draw_case(random, kEnough);
    while (of.samples * of.values() < kEnough / 2) of = draw_case(random, kEnough);
    describe(seed, number, of);
    const Results once = through_ops(of);
    std::vector<std::thread> callers;
    for (int i = 0; i < 2; i++)
      callers.emplace_back([&] {
        if (!same_bits(once, through_ops(of))) fail("an op gives other bits while other calls run");
      });
    for (std::thread& thread : callers) thread.join();
  }
}

// --- Intended faults, which show that the sanitizers work ---

void commit_fault(const std::string& kind) {
  snprintf(at_work, sizeof at_work, "a fault on purpose");
  volatile int32_t one = 1;
  if (kind == "heap") {
    const Block block(7 * sizeof(float));
    block.as<volatile float>()[6 + one] = 1.f;
  } else if (kind == "arithmetic") {
    const softseg::Ints most = softseg::Ints{} + INT32_MAX;
    const softseg::Ints more = most + one;
    one = more[0];
  } else if (kind == "race") {
    int shared = 0;
    std::thread other([&] { shared++; });
    shared++;
    other.join();
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) fail("usage: harness <seed> <cases> [first case]");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  __sanitizer_set_death_callback(say_where);
#endif
  if (arguments[1] == std::string("fault")) {
    commit_fault(arguments[2]);
    return 0;
  }
  const uint64_t seed = strtoull(arguments[1], nullptr, 10);
  const uint64_t cases = strtoull(arguments[2], nullptr, 10);
  const uint64_t first = count > 3 ? strtoull(arguments[3], nullptr, 10) : 0;
  const std::string problem = fake::register_ops();
  if (!problem.empty()) fail(problem);
  Random random(seed, uint64_t{1} << 30);
  check_arithmetic(random);
  check_threads();
  check_ops_in_threads(seed);
  for (uint64_t number = first; number < first + cases; number++) {
    Random drawn(seed, number);
    Case of = draw_case(drawn, 30000);
    describe(seed, number, of);
    run_case(of);
    for (int i = 0; i < 8; i++) {
      Case small = draw_case(drawn, 2000);
      describe(seed, number, small);
      lie(drawn, small);
    }
  }
  printf("%llu cases of seed %llu\n", static_cast<unsigned long long>(cases), static_cast<unsigned long long>(seed));
  return 0;
}
