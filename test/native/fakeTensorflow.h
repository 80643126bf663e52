// The parts of TensorFlow's and Node's C APIs that native/tensorflow.cc calls, so that its ops run in a plain program.
// A tensor's values are in a heap allocation of exactly their size, so AddressSanitizer detects any access past them.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <utility>
#include <vector>

#include "tensorflow/c/c_api.h"

namespace fake {

// A heap allocation of exactly this many bytes.
class Block {
 public:
  explicit Block(size_t bytes, size_t alignment = 64) : bytes_(bytes) {
    if (posix_memalign(&data_, alignment, bytes) != 0) abort();
  }
  Block(Block&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  Block& operator=(Block&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Block() { free(data_); }
  template <typename T>
  static Block of(const std::vector<T>& values) {
    Block block(values.size() * sizeof(T));
    if (!values.empty()) memcpy(block.data(), values.data(), block.bytes());
    return block;
  }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_;
};

struct Values {
  TF_DataType type;
  std::vector<int64_t> dims;
  Block block;
};

// The outcome of a call of an op.
struct Result {
  TF_Code code;
  std::string message;
  std::vector<int64_t> dims;
  std::vector<float> output;
};

// Calls init of native/tensorflow.cc, which registers its ops. Returns an empty string, or the error.
std::string register_ops();

// Creates the op's kernel, runs it once and destroys it. Aborts if a TensorFlow handle is left over.
Result run_op(const std::string& name, const std::vector<int32_t>& pass, const std::vector<const Values*>& inputs);

}  // namespace fake
