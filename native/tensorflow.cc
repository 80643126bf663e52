// The passes of overlap.h as TensorFlow ops, which are registered when Node loads this file as an addon. There are
// four: SoftsegSums, SoftsegSumsGradient, SoftsegEntropyMap and SoftsegEntropyMapGradient. Elsewhere in softseg, all of
// them together are called "the op".
//
// Inputs
//   labels       float, int32 or bool, as many values as predictions; or int32 class indices
//   predictions  float
//   weights      float, one per pixel; or of shape [0] if all are 1
//   parameters   float [samples, classes, sharpness, label smoothing, weight of positives of each class if there are
//                any, coefficient of each class for maps]. These may change with every step; as attributes they would
//                make TensorFlow keep a kernel for each value.
//   dy           float [sums, samples, classes], or for gradients of maps [samples, pixels]
// Attribute
//   pass         list of int: activation, labels are indices, classes come first, kind of entropy, subtract the
//                entropy, there are weights of positives, bits of the sums (0 for maps), gradient with respect to labels
// Inputs that do not fit together give an InvalidArgument status, so no op reads or writes beyond a tensor.
#include <dlfcn.h>
#include <node_api.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "overlap.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/c/ops.h"
#include "threads.h"

// The part of tensorflow/c/kernels.h that is used here. That file includes headers that softseg does not fetch.
extern "C" {
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
TF_KernelBuilder* TF_NewKernelBuilder(const char* op, const char* device, void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder* builder, TF_Status* status);
void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction* context, const char* attribute, int32_t* length,
                                         int32_t* bytes, TF_Status* status);
void TF_OpKernelConstruction_GetAttrInt32List(TF_OpKernelConstruction* context, const char* attribute, int32_t* values,
                                              int most, TF_Status* status);
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction* context, TF_Status* status);
void TF_GetInput(TF_OpKernelContext* context, int index, TF_Tensor** tensor, TF_Status* status);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int index, TF_DataType type, const int64_t* dims, int rank,
                             size_t bytes, TF_Status* status);
void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status* status);
}

namespace {

using softseg::Pass;

enum Op { kSums, kSumsGradient, kEntropyMap, kEntropyMapGradient };

constexpr const char* kOpNames[] = {"SoftsegSums", "SoftsegSumsGradient", "SoftsegEntropyMap",
                                    "SoftsegEntropyMapGradient"};
constexpr bool is_gradient(Op op) { return op == kSumsGradient || op == kEntropyMapGradient; }
constexpr bool is_map(Op op) { return op == kEntropyMap || op == kEntropyMapGradient; }

// --- Attributes and inputs ---

struct Attributes {
  int32_t activation;
  int32_t indices;
  int32_t classes_first;
  int32_t entropy_kind;
  int32_t subtract_entropy;
  int32_t has_pos_weight;
  int32_t sums;
  int32_t by_labels;
};
constexpr int kAttributeCount = sizeof(Attributes) / sizeof(int32_t);

enum Input { kLabelsInput, kPredictionsInput, kWeightsInput, kParametersInput, kDyInput };

class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  ~Tensor() {
    if (tensor_) TF_DeleteTensor(tensor_);
  }
  TF_Tensor** slot() { return &tensor_; }
  void take(TF_Tensor* tensor) { tensor_ = tensor; }
  int64_t count() const { return TF_TensorElementCount(tensor_); }
  TF_DataType type() const { return TF_TensorType(tensor_); }
  std::vector<int64_t> dims() const {
    std::vector<int64_t> dims(TF_NumDims(tensor_));
    for (size_t i = 0; i < dims.size(); i++) dims[i] = TF_Dim(tensor_, static_cast<int>(i));
    return dims;
  }
  const TF_Tensor* get() const { return tensor_; }
  template <typename T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(tensor_));
  }

 private:
  TF_Tensor* tensor_ = nullptr;
};

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  ~Status() { TF_DeleteStatus(status_); }
  TF_Status* get() const { return status_; }
  bool ok() const { return TF_GetCode(status_) == TF_OK; }

  __attribute__((format(printf, 3, 4))) bool fail(TF_Code code, const char* format, ...) {
    char text[300];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    TF_SetStatus(status_, code, text);
    return false;
  }

 private:
  TF_Status* status_;
};

// The resolved inputs and the output of a call of an op.
struct Call {
  Pass pass;
  softseg::Wrt wrt;
  int64_t samples, pixels;
  int64_t label_bytes;  // of one sample
  const float* predictions;
  const char* labels;
  const float* weights;
  const float* coefficients;
  const float* dy;
  float* output;

  int64_t values() const { return pixels * pass.classes; }
  const float* predictions_of(int64_t n) const { return predictions + n * values(); }
  const void* labels_of(int64_t n) const { return labels + n * label_bytes; }
  const float* weights_of(int64_t n) const { return weights ? weights + n * pixels : nullptr; }
};

// True for a whole number from `least` to 2^24, which floats hold exactly.
bool whole(float x, int64_t least) { return x >= least && x <= 16777216.f && x == static_cast<int64_t>(x); }

std::string text_of(const std::vector<int64_t>& dims) {
  std::string text;
  for (const int64_t size : dims) text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return (text.empty() ? "[" : text) + "]";
}

// The number of pixels in a sample if the batch has 0 samples, which the shape of a map needs. 0 if it is too large.
int64_t pixels_of_empty_batch(const Tensor& predictions, int64_t classes) {
  const std::vector<int64_t> dims = predictions.dims();
  int64_t values = 1;
  for (size_t i = 1; i < dims.size(); i++)
    if (__builtin_mul_overflow(values, dims[i], &values)) return 0;
  return values / classes;
}

using Inputs = Tensor[5];

bool resolve(Op op, const Attributes& attributes, const Inputs& inputs, Call& call, Status& status) {
  const char* name = kOpNames[op];
  const Tensor& parameters = inputs[kParametersInput];
  const Tensor& labels = inputs[kLabelsInput];
  const auto lld = [](int64_t x) { return static_cast<long long>(x); };
  const auto wrong = [&](const char* what, int64_t got, int64_t samples, int64_t pixels, int64_t classes) {
    return status.fail(TF_INVALID_ARGUMENT, "%s: %s; got %lld values for %lld samples, %lld pixels, %lld classes", name,
                       what, lld(got), lld(samples), lld(pixels), lld(classes));
  };

  constexpr int kHead = 4;
  if (parameters.count() < kHead) {
    return status.fail(TF_INVALID_ARGUMENT,
                       "%s: parameters must begin with samples, classes, sharpness, label smoothing; got %lld values",
                       name, lld(parameters.count()));
  }
  const float* head = parameters.data<float>();
  if (!whole(head[0], 0) || !whole(head[1], 1)) {
    return status.fail(TF_INVALID_ARGUMENT,
                       "%s: samples and classes must be whole numbers up to 2^24, classes at least 1; got %g, %g", name,
                       head[0], head[1]);
  }
  const int64_t samples = static_cast<int64_t>(head[0]);
  const int64_t classes = static_cast<int64_t>(head[1]);
  const int64_t tail = (attributes.has_pos_weight ? classes : 0) + (is_map(op) ? classes : 0);
  if (parameters.count() != kHead + tail) {
    return status.fail(TF_INVALID_ARGUMENT, "%s: parameters must be %lld values for %lld classes; got %lld", name,
                       lld(kHead + tail), lld(classes), lld(parameters.count()));
  }

  const int64_t size = inputs[kPredictionsInput].count();
  const int64_t columns = samples * classes;
  if (columns == 0 ? size != 0 : size % columns != 0) {
    return status.fail(TF_INVALID_ARGUMENT,
                       "%s: predictions must hold samples x pixels x classes values; got %lld for %lld samples and "
                       "%lld classes",
                       name, lld(size), lld(samples), lld(classes));
  }
  const int64_t pixels = columns == 0 ? pixels_of_empty_batch(inputs[kPredictionsInput], classes) : size / columns;
  if (attributes.classes_first && pixels > INT32_MAX) {
    return wrong("with classes first a sample must have fewer than 2^31 pixels", size, samples, pixels, classes);
  }
  if (attributes.indices && labels.type() != TF_INT32) {
    return status.fail(TF_INVALID_ARGUMENT, "%s: class indices must be int32; got %s", name,
                       labels.type() == TF_BOOL ? "bool" : "float");
  }
  if (labels.count() != (attributes.indices ? samples * pixels : size)) {
    return wrong(attributes.indices ? "labels must hold one class index per pixel"
                                    : "labels must hold as many values as predictions",
                 labels.count(), samples, pixels, classes);
  }
  const int64_t weights = inputs[kWeightsInput].count();
  if (weights != 0 && weights != samples * pixels) {
    return wrong("weights must hold one value per pixel, or none", weights, samples, pixels, classes);
  }

  Pass& pass = call.pass;
  pass.classes = static_cast<int32_t>(classes);
  pass.class_stride = attributes.classes_first ? static_cast<int32_t>(pixels) : 1;
  pass.label_kind = attributes.indices          ? softseg::kIndices
                    : labels.type() == TF_INT32 ? softseg::kInt32
                    : labels.type() == TF_BOOL  ? softseg::kBool
                                                : softseg::kFloat32;
  pass.activation = attributes.activation;
  pass.entropy_kind = attributes.entropy_kind;
  pass.subtract_entropy = attributes.subtract_entropy;
  pass.sums = is_map(op) ? static_cast<int32_t>(softseg::kCrossEntropy) : attributes.sums;
  pass.sharpness = head[2];
  pass.label_smoothing = head[3];
  pass.pos_weight = attributes.has_pos_weight ? head + kHead : nullptr;

  if (is_gradient(op)) {
    const std::vector<int64_t> wanted =
        is_map(op) ? std::vector{samples, pixels} : std::vector{int64_t{softseg::sum_count(pass)}, samples, classes};
    const std::vector<int64_t> got = inputs[kDyInput].dims();
    if (got != wanted) {
      return status.fail(TF_INVALID_ARGUMENT, "%s: dy must be [%s] = %s; got %s", name,
                         is_map(op) ? "samples, pixels" : "sums, samples, classes", text_of(wanted).c_str(),
                         text_of(got).c_str());
    }
  }
  call.wrt = attributes.by_labels ? softseg::kLabels : softseg::kPredictions;
  call.samples = samples;
  call.pixels = pixels;
  call.label_bytes = (attributes.indices ? pixels : pixels * classes) * (labels.type() == TF_BOOL ? 1 : 4);
  call.predictions = inputs[kPredictionsInput].data<float>();
  call.labels = labels.data<char>();
  call.weights = weights != 0 ? inputs[kWeightsInput].data<float>() : nullptr;
  call.coefficients = is_map(op) ? head + parameters.count() - classes : nullptr;
  call.dy = is_gradient(op) ? inputs[kDyInput].data<float>() : nullptr;
  return true;
}

// --- Pieces of work ---

// A piece is a range of pixels of one sample, or several whole samples. The division depends only on the size of the
// work and not on the number of threads, so results do not depend on that either.
struct Pieces {
  int64_t per_sample;  // pieces in a sample; 1 if a piece holds whole samples
  int64_t pixels;      // pixels of a sample in a piece
  int64_t samples;     // samples in a piece
  int64_t count;       // all pieces
};

// The partial sums of all pieces are kept in memory, and more pieces than this would help only with very many threads.
constexpr int64_t kMostPiecesOfSample = 256;

int64_t ceil_of(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Divides a call that has at least one pixel.
Pieces divide(const Call& call) {
  const int64_t best = softseg::item_pixels(call.pass);
  if (call.pixels > best) {
    const int64_t pixels = std::max(best, ceil_of(ceil_of(call.pixels, kMostPiecesOfSample), 64) * 64);
    const int64_t per_sample = ceil_of(call.pixels, pixels);
    return {per_sample, pixels, 1, per_sample * call.samples};
  }
  const int64_t samples = best / call.pixels;
  return {1, call.pixels, samples, ceil_of(call.samples, samples)};
}

int most_threads() {
  static const int most = [] {
    int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    for (const char* name : {"TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"}) {
      const char* text = getenv(name);
      const int limit = text ? atoi(text) : 0;
      if (limit > 0) threads = std::min(threads, limit);
    }
    return threads;
  }();
  return most;
}

// Values of predictions per thread; for fewer, waking a thread costs more time than it saves.
constexpr int64_t kWorthAThread = 150000;

int threads_for(const Call& call, const Pieces& pieces) {
  const int64_t useful = std::min(pieces.count, call.samples * call.values() / kWorthAThread);
  return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(most_threads(), useful)));
}

// The pool is never destroyed; its threads wait for work until the process ends.
softseg::Threads& all_threads() {
  static softseg::Threads* const threads = new softseg::Threads;
  return *threads;
}

// Memory aligned to 64 bytes, without exceptions.
class Memory {
 public:
  explicit Memory(size_t bytes) : block_(malloc(bytes + kAlignment)) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { free(block_); }
  char* get() const {
    if (!block_) return nullptr;
    return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(block_) / kAlignment + 1) * kAlignment);
  }

 private:
  static constexpr size_t kAlignment = 64;
  void* block_;
};

size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Calls work(sample, first pixel, number of pixels, piece, thread) for each part of a sample in each piece.
template <typename Work>
void for_pieces(const Call& call, const Pieces& pieces, int threads, const Work& work) {
  all_threads().run(pieces.count, threads, [&](int64_t piece, int thread) {
    if (pieces.per_sample > 1) {
      const int64_t first = piece % pieces.per_sample * pieces.pixels;
      work(piece / pieces.per_sample, first, std::min(pieces.pixels, call.pixels - first), piece, thread);
      return;
    }
    const int64_t end = std::min(call.samples, (piece + 1) * pieces.samples);
    for (int64_t n = piece * pieces.samples; n < end; n++) work(n, 0, call.pixels, piece, thread);
  });
}

// Copies [S,C] of one sample from or to TensorFlow's [S,N,C].
template <typename From, typename To>
void copy_rows(const From* from, int64_t from_stride, To* to, int64_t to_stride, int32_t rows, int32_t classes) {
  for (int32_t s = 0; s < rows; s++)
    for (int32_t c = 0; c < classes; c++) to[s * to_stride + c] = static_cast<To>(from[s * from_stride + c]);
}

bool run(Op op, const Call& call, Status& status) {
  const Pass& pass = call.pass;
  const Pieces pieces = divide(call);
  const int threads = threads_for(call, pieces);
  const int32_t rows = softseg::sum_count(pass);
  const int32_t classes = pass.classes;
  const int64_t columns = call.samples * classes;  // the distance of two sums of a sample in [S,N,C]
  const size_t cells = static_cast<size_t>(rows) * classes;
  // The memory of a thread: scratch memory of the pass, and the sums or upstream gradients of a sample.
  const size_t scratch = padded(softseg::scratch_bytes(pass));
  const size_t own = scratch + padded(cells * sizeof(double));
  const bool keeps_partials = op == kSums && pieces.per_sample > 1;
  const size_t partials = keeps_partials ? pieces.count * cells * sizeof(double) : 0;
  const Memory memory(own * threads + partials);
  if (!memory.get()) {
    return status.fail(TF_RESOURCE_EXHAUSTED, "%s: cannot allocate %zu bytes", kOpNames[op], own * threads + partials);
  }
  double* const partial = reinterpret_cast<double*>(memory.get() + own * threads);

  const auto work = [&](int64_t n, int64_t first, int64_t count, int64_t piece, int thread) {
    char* const mine = memory.get() + own * thread;
    const float* predictions = call.predictions_of(n);
    const void* labels = call.labels_of(n);
    const float* weights = call.weights_of(n);
    if (op == kSums) {
      double* sums = keeps_partials ? partial + piece * cells : reinterpret_cast<double*>(mine + scratch);
      softseg::overlap_sums(pass, predictions, labels, weights, first, count, sums, mine);
      if (!keeps_partials) copy_rows(sums, classes, call.output + n * classes, columns, rows, classes);
    } else if (op == kEntropyMap) {
      softseg::entropy_map(pass, predictions, labels, weights, call.coefficients, first, count,
                           call.output + n * call.pixels, mine);
    } else {
      const float* dy = call.coefficients;
      if (op == kSumsGradient) {
        float* upstream = reinterpret_cast<float*>(mine + scratch);
        copy_rows(call.dy + n * classes, columns, upstream, classes, rows, classes);
        dy = upstream;
      }
      const float* pixel_dy = op == kEntropyMapGradient ? call.dy + n * call.pixels : nullptr;
      softseg::overlap_gradient(pass, call.wrt, predictions, labels, weights, dy, pixel_dy, first, count,
                                call.output + n * call.values(), mine);
    }
  };
  for_pieces(call, pieces, threads, work);

  if (keeps_partials) {
    for (int64_t n = 0; n < call.samples; n++) {
      double* sums = partial + n * pieces.per_sample * cells;
      for (int64_t i = 1; i < pieces.per_sample; i++)
        for (size_t k = 0; k < cells; k++) sums[k] += sums[i * cells + k];
      copy_rows(sums, classes, call.output + n * classes, columns, rows, classes);
    }
  }
  return true;
}

// --- Registration with TensorFlow ---

bool check(Op op, const Attributes& a, Status& status) {
  struct Range {
    const char* what;
    int32_t got, lowest, highest;
  };
  const Range ranges[] = {
      {"the activation", a.activation, softseg::kSoftmax, softseg::kNone},
      {"the flag for class indices", a.indices, 0, 1},
      {"the flag for classes first", a.classes_first, 0, 1},
      {"the kind of entropy", a.entropy_kind, softseg::kCategorical, softseg::kBinary},
      {"the flag for subtracting the entropy", a.subtract_entropy, 0, 1},
      {"the flag for weights of positives", a.has_pos_weight, 0, 1},
      {"the bits of the sums", a.sums, is_map(op) ? 0 : 1, is_map(op) ? 0 : softseg::kAllSums},
      // Class indices have no gradient.
      {"the flag for the gradient by labels", a.by_labels, 0, is_gradient(op) && !a.indices},
  };
  for (const auto& [what, got, lowest, highest] : ranges) {
    if (got >= lowest && got <= highest) continue;
    return status.fail(TF_INVALID_ARGUMENT, "%s: in pass, %s must be from %d to %d; got %d", kOpNames[op], what,
                       lowest, highest, got);
  }
  return true;
}

template <Op op>
void* create(TF_OpKernelConstruction* context) {
  Status status;
  int32_t values[kAttributeCount];
  int32_t count = 0, total = 0;
  TF_OpKernelConstruction_GetAttrSize(context, "pass", &count, &total, status.get());
  if (status.ok() && count != kAttributeCount) {
    status.fail(TF_INVALID_ARGUMENT, "%s: pass must have %d values; got %d", kOpNames[op], kAttributeCount, count);
  }
  if (status.ok()) {
    TF_OpKernelConstruction_GetAttrInt32List(context, "pass", values, kAttributeCount, status.get());
  }
  if (status.ok()) {
    const Attributes a = {values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]};
    if (check(op, a, status)) return new Attributes(a);
  }
  TF_OpKernelConstruction_Failure(context, status.get());
  return nullptr;
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

// Allocates the output. A gradient has the shape of the predictions.
bool allocate(Op op, const Call& call, const Tensor& predictions, TF_OpKernelContext* context, Tensor& output,
              Status& status) {
  const std::vector<int64_t> dims =
      is_gradient(op) ? predictions.dims()
      : is_map(op)    ? std::vector{call.samples, call.pixels}
                      : std::vector{int64_t{softseg::sum_count(call.pass)}, call.samples, int64_t{call.pass.classes}};
  size_t bytes = sizeof(float);
  for (const int64_t size : dims) bytes *= size;
  output.take(TF_AllocateOutput(context, 0, TF_FLOAT, dims.data(), static_cast<int>(dims.size()), bytes, status.get()));
  return status.ok();
}

template <Op op>
void compute(void* kernel, TF_OpKernelContext* context) {
  Status status;
  Inputs inputs;
  Tensor output;
  Call call;
  const int count = is_gradient(op) ? 5 : 4;
  for (int i = 0; i < count && status.ok(); i++) TF_GetInput(context, i, inputs[i].slot(), status.get());
  if (status.ok() && resolve(op, *static_cast<Attributes*>(kernel), inputs, call, status) &&
      allocate(op, call, inputs[kPredictionsInput], context, output, status)) {
    call.output = output.data<float>();
    // Without pixels the sums are 0, and the other outputs are empty.
    if (call.pixels == 0) std::fill_n(call.output, output.count(), 0.f);
    if (output.count() == 0 || call.pixels == 0 || run(op, call, status)) return;
  }
  TF_OpKernelContext_Failure(context, status.get());
}

void unknown_shape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

template <Op op>
void register_op(Status& status) {
  if (!status.ok()) return;
  // TensorFlow ends the process if an op is registered twice.
  TF_Buffer* known = TF_GetRegisteredKernelsForOp(kOpNames[op], status.get());
  if (!status.ok()) return;
  const bool is_known = known->length > 0;
  TF_DeleteBuffer(known);
  if (is_known) {
    status.fail(TF_ALREADY_EXISTS, "another copy of softseg has registered its ops in this process");
    return;
  }
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(kOpNames[op]);
  TF_OpDefinitionBuilderAddAttr(definition, "T: {float, int32, bool}");
  TF_OpDefinitionBuilderAddAttr(definition, "pass: list(int)");
  TF_OpDefinitionBuilderAddInput(definition, "labels: T");
  for (const char* input : {"predictions: float", "weights: float", "parameters: float"}) {
    TF_OpDefinitionBuilderAddInput(definition, input);
  }
  if (is_gradient(op)) TF_OpDefinitionBuilderAddInput(definition, "dy: float");
  TF_OpDefinitionBuilderAddOutput(definition, "output: float");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknown_shape);
  TF_RegisterOpDefinition(definition, status.get());
  if (!status.ok()) return;
  TF_KernelBuilder* builder = TF_NewKernelBuilder(kOpNames[op], "CPU", create<op>, compute<op>, destroy);
  TF_RegisterKernelBuilder(kOpNames[op], builder, status.get());
}

// Registers the ops; returns an error message, or an empty string.
std::string register_ops() {
  // Node unloads an addon when the worker thread that loaded it ends. This one is kept loaded, because TensorFlow and
  // the pool's threads still use it.
  Dl_info own;
  if (dladdr(kOpNames, &own)) dlopen(own.dli_fname, RTLD_NOW | RTLD_NODELETE);
  Status status;
  register_op<kSums>(status);
  register_op<kSumsGradient>(status);
  register_op<kEntropyMap>(status);
  register_op<kEntropyMapGradient>(status);
  return status.ok() ? "" : TF_Message(status.get());
}

napi_value threads(napi_env env, napi_callback_info) {
  napi_value count;
  return napi_create_int32(env, most_threads(), &count) == napi_ok ? count : nullptr;
}

}  // namespace

// The addon exports one function, threads(): the number of threads that compute large passes.
NAPI_MODULE_INIT() {
  // This runs again for worker threads and for a second require; the ops are registered only once.
  static const std::string problem = register_ops();
  if (!problem.empty()) {
    napi_throw_error(env, nullptr, problem.c_str());
    return nullptr;
  }
  napi_value function;
  if (napi_create_function(env, "threads", NAPI_AUTO_LENGTH, threads, nullptr, &function) != napi_ok ||
      napi_set_named_property(env, exports, "threads", function) != napi_ok) {
    return nullptr;
  }
  return exports;
}
