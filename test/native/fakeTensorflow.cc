#include "fakeTensorflow.h"

#include <node_api.h>
#include <stdio.h>

#include <atomic>
#include <map>
#include <mutex>

#include "tensorflow/c/ops.h"

using fake::Values;

// --- Handles ---

namespace {
// Counts TF_Tensor and TF_Status of the calling thread; no op passes one to another thread.
thread_local int handles = 0;

size_t bytes_of(TF_DataType type) { return type == TF_BOOL ? 1 : 4; }

// TensorFlow also refuses allocations that it has no memory for.
constexpr size_t kMostBytes = size_t{1} << 28;
}  // namespace

// TF_Status is another name for TSL_Status.
struct TSL_Status {
  TF_Code code = TF_OK;
  std::string message;
};

struct TF_Tensor {
  const Values* values;
};

struct TF_KernelBuilder {
  std::string op;
  void* (*create)(struct TF_OpKernelConstruction*);
  void (*compute)(void*, struct TF_OpKernelContext*);
  void (*destroy)(void*);
};

struct TF_OpKernelConstruction {
  const std::vector<int32_t>& pass;
  TF_Status failure;
};

struct TF_OpKernelContext {
  const std::vector<const Values*>& inputs;
  std::vector<Values> output;
  TF_Status failure;
};

namespace {
std::map<std::string, TF_KernelBuilder*>& kernels() {
  static auto* const all = new std::map<std::string, TF_KernelBuilder*>;
  return *all;
}
}  // namespace

extern "C" {

TF_Status* TF_NewStatus() {
  handles++;
  return new TF_Status;
}
void TF_DeleteStatus(TF_Status* status) {
  handles--;
  delete status;
}
void TF_SetStatus(TF_Status* status, TF_Code code, const char* message) { *status = {code, message}; }
TF_Code TF_GetCode(const TF_Status* status) { return status->code; }
const char* TF_Message(const TF_Status* status) { return status->message.c_str(); }

void TF_DeleteTensor(TF_Tensor* tensor) {
  handles--;
  delete tensor;
}
TF_DataType TF_TensorType(const TF_Tensor* tensor) { return tensor->values->type; }
int TF_NumDims(const TF_Tensor* tensor) { return static_cast<int>(tensor->values->dims.size()); }
int64_t TF_Dim(const TF_Tensor* tensor, int index) { return tensor->values->dims.at(index); }
void* TF_TensorData(const TF_Tensor* tensor) { return tensor->values->block.data(); }
int64_t TF_TensorElementCount(const TF_Tensor* tensor) {
  int64_t count = 1;
  for (const int64_t size : tensor->values->dims) count *= size;
  return count;
}

TF_Buffer* TF_GetRegisteredKernelsForOp(const char* name, TF_Status*) {
  return new TF_Buffer{nullptr, kernels().count(name), nullptr};
}
void TF_DeleteBuffer(TF_Buffer* buffer) { delete buffer; }

TF_OpDefinitionBuilder* TF_NewOpDefinitionBuilder(const char*) { return nullptr; }
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder*, const char*) {}
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder*, const char*) {}
void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder*, const char*) {}
void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder*,
                                                     void (*)(TF_ShapeInferenceContext*, TF_Status*)) {}
void TF_ShapeInferenceContextSetUnknownShape(TF_ShapeInferenceContext*, TF_Status*) {}
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder*, TF_Status*) {}

TF_KernelBuilder* TF_NewKernelBuilder(const char* op, const char*, void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  return new TF_KernelBuilder{op, create, compute, destroy};
}
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder* builder, TF_Status*) { kernels()[name] = builder; }

void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction* context, const char*, int32_t* length, int32_t* bytes,
                                         TF_Status*) {
  *length = static_cast<int32_t>(context->pass.size());
  *bytes = -1;
}
void TF_OpKernelConstruction_GetAttrInt32List(TF_OpKernelConstruction* context, const char*, int32_t* values, int most,
                                              TF_Status*) {
  for (int i = 0; i < most && i < static_cast<int>(context->pass.size()); i++) values[i] = context->pass[i];
}
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction* context, TF_Status* status) {
  context->failure = *status;
}

void TF_GetInput(TF_OpKernelContext* context, int index, TF_Tensor** tensor, TF_Status*) {
  handles++;
  *tensor = new TF_Tensor{context->inputs.at(index)};
}
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int, TF_DataType type, const int64_t* dims, int rank,
                             size_t bytes, TF_Status* status) {
  size_t wanted = bytes_of(type);
  for (int i = 0; i < rank; i++) wanted *= dims[i];
  if (wanted != bytes) {
    fprintf(stderr, "an output of %zu bytes was asked for with dimensions of %zu\n", bytes, wanted);
    abort();
  }
  if (bytes > kMostBytes) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory for the output");
    return nullptr;
  }
  context->output.push_back({type, {dims, dims + rank}, fake::Block(bytes)});
  // Values that an op does not write must be detectable.
  if (bytes > 0) memset(context->output[0].block.data(), 0xff, bytes);
  handles++;
  return new TF_Tensor{&context->output[0]};
}
void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status* status) { context->failure = *status; }

// --- Node's API ---

napi_status napi_throw_error(napi_env, const char*, const char* message) {
  fprintf(stderr, "%s\n", message);
  abort();
}
napi_status napi_create_function(napi_env, const char*, size_t, napi_callback, void*, napi_value*) { return napi_ok; }
napi_status napi_set_named_property(napi_env, napi_value, const char*, napi_value) { return napi_ok; }
napi_status napi_create_int32(napi_env, int32_t, napi_value*) { return napi_ok; }

napi_value napi_register_module_v1(napi_env env, napi_value exports);

}  // extern "C"

namespace fake {

std::string register_ops() {
  napi_register_module_v1(nullptr, nullptr);
  return kernels().size() == 4 ? "" : "native/tensorflow.cc did not register its four ops";
}

Result run_op(const std::string& name, const std::vector<int32_t>& pass, const std::vector<const Values*>& inputs) {
  const int before = handles;
  const TF_KernelBuilder& builder = *kernels().at(name);
  TF_OpKernelConstruction construction{pass, {}};
  void* const kernel = builder.create(&construction);
  Result result{construction.failure.code, construction.failure.message, {}, {}};
  if (kernel) {
    TF_OpKernelContext context{inputs, {}, {}};
    builder.compute(kernel, &context);
    builder.destroy(kernel);
    result.code = context.failure.code;
    result.message = context.failure.message;
    if (!context.output.empty()) {
      const Values& output = context.output[0];
      const float* values = output.block.as<float>();
      result.dims = output.dims;
      result.output.assign(values, values + output.block.bytes() / sizeof(float));
    }
  }
  if (!kernel && result.code == TF_OK) {
    fprintf(stderr, "%s was not created, and did not say why\n", name.c_str());
    abort();
  }
  if (handles != before) {
    fprintf(stderr, "%s left %d handles of TensorFlow's\n", name.c_str(), handles - before);
    abort();
  }
  return result;
}

}  // namespace fake
