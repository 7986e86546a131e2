/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backend plugin is: a shared library with one exported function, pixloom_plugin_entry, that
 * returns a table of C functions. No C++ type and no exception crosses this border.
 *
 * The host owns batching, tiling, normalisation, randomness and all checks. A plugin loads one
 * graph from one file and runs float32 tensors (NCHW, or NC) through it. C++ authors derive from a
 * class instead: see models/plugin.h, and examples/backend_plugin for a complete plugin.
 *
 * Versions: a plugin works with hosts of the same major version and the same or a later minor one.
 * Structs with a struct_size only grow at their end. Who provides the memory sets struct_size to
 * what it knows, and nobody reads or writes beyond the smaller of that and its own; the first two
 * fields of pixloom_plugin_info keep their places for ever. pixloom_tensor, pixloom_port and
 * pixloom_parameter lie in arrays and keep their size within a major version.
 *
 * Threads: what does not take an instance may be called from any thread, at the same time. An
 * instance is used by one thread at a time, not always the same, unless its description says
 * PIXLOOM_RUNS_CONCURRENTLY. Libraries are never unloaded.
 */
#ifndef PIXLOOM_MODELS_PLUGIN_ABI_H
#define PIXLOOM_MODELS_PLUGIN_ABI_H

#include <stdint.h>

#define PIXLOOM_ABI_MAJOR 1u
#define PIXLOOM_ABI_MINOR 0u
#define PIXLOOM_ABI_VERSION ((PIXLOOM_ABI_MAJOR << 16) | PIXLOOM_ABI_MINOR)
#define PIXLOOM_MAX_DIMS 8
#define PIXLOOM_MAX_PORTS 32 /* inputs, or outputs, of one graph */

#if defined(__GNUC__)
#define PIXLOOM_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define PIXLOOM_PLUGIN_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What every function that can fail returns. A number and no enum: its size is then the same for
 * every compiler, and values that a host does not know count as PIXLOOM_FAILED. */
typedef int32_t pixloom_status;
enum {
  PIXLOOM_OK = 0,
  PIXLOOM_FAILED = 1,         /* anything not listed; last_error says what */
  PIXLOOM_OUT_OF_MEMORY = 2,  /* on the device or in the host; a smaller batch may fit */
  PIXLOOM_BAD_SHAPE = 3,      /* the graph does not take tensors of these sizes */
  PIXLOOM_UNSUPPORTED_OP = 4, /* the graph uses an operation that this backend does not know */
  PIXLOOM_BAD_MODEL = 5,      /* the file is damaged or of another format */
  PIXLOOM_NO_DEVICE = 6,      /* the device asked for is not there or its libraries are missing */
  PIXLOOM_DEVICE_LOST = 7     /* it was there: driver reset, unplugged; only destroy() follows */
};

typedef struct pixloom_plugin_info {
  uint32_t struct_size;
  uint32_t abi_version; /* PIXLOOM_ABI_VERSION the plugin was built with */
  const char* id;       /* "onnxruntime": [a-z0-9_]+ */
  const char* name;     /* "ONNX Runtime" */
  const char* version;  /* of the plugin */
  const char* runtime;  /* what it found: "onnxruntime 1.21.0" */
} pixloom_plugin_info;

/* A view of memory that somebody else owns, for the time of a call: row-major, without gaps. */
typedef struct pixloom_tensor {
  const float* data;
  uint32_t ndim;
  int64_t dims[PIXLOOM_MAX_DIMS]; /* the first is the batch */
} pixloom_tensor;

/* One input or output of a graph. Its name is valid as long as the instance. */
typedef struct pixloom_port {
  const char* name;
  uint32_t ndim;                  /* with the batch; 0: not known before it ran */
  int64_t dims[PIXLOOM_MAX_DIMS]; /* -1: any */
} pixloom_port;

enum { PIXLOOM_RUNS_CONCURRENTLY = 1 }; /* run() may be called by several threads at a time */

typedef struct pixloom_description {
  uint32_t struct_size; /* set by the host */
  uint32_t flags;
  uint32_t input_count, output_count;
  pixloom_port inputs[PIXLOOM_MAX_PORTS];
  pixloom_port outputs[PIXLOOM_MAX_PORTS];
  const char* device; /* where it really runs: "cpu", "cuda:0", "tensorrt:0" */
  uint32_t waits;     /* 1: run() mostly waits for a device and leaves the processor alone */
  uint32_t reserved;  /* 0; new fields never take the place of padding */
} pixloom_description;

enum { PIXLOOM_FP32 = 0, PIXLOOM_FP16 = 1 };

/* Valid for the time of the call. */
typedef struct pixloom_options {
  uint32_t struct_size;
  const char* model_path;
  const char* format; /* "onnx", "torchscript" */
  const char* device; /* "cpu", "cuda", "cuda:1", "tensorrt": this one or PIXLOOM_NO_DEVICE */
  uint32_t precision; /* inside the device; tensors at this border are always float32 */
  uint32_t threads;   /* inside one run; 1: on the caller's thread alone */
  const char* extra;  /* "key=value" lines of this backend's own; may be NULL */
  /* The order in which tensors come to run() and are given back, as the model's description has
     it; NULL: the order of the graph. */
  const char* const* input_names;
  uint32_t input_count;
  const char* const* output_names;
  uint32_t output_count;
  uint32_t reserved;
} pixloom_options;

/* Where results go: during run(), on its thread, the plugin asks for memory once per output, in any
 * order, and fills it. */
typedef struct pixloom_outputs {
  uint32_t struct_size;
  void* context;
  /* Memory for output `index` of this shape; NULL when the host has none, or takes no such output:
     return PIXLOOM_OUT_OF_MEMORY. */
  float* (*place)(void* context, uint32_t index, uint32_t ndim, const int64_t* dims);
} pixloom_outputs;

/* memory and get_extension may be NULL; the others are needed. */
typedef struct pixloom_backend {
  uint32_t struct_size;
  /* Cheap: does the file look like something create() could load, and is the device there? */
  pixloom_status (*probe)(const char* model_path, const char* format, const char* device);
  /* What it puts into *self is given to the functions below, and to destroy() once. */
  pixloom_status (*create)(const pixloom_options* options, void** self);
  /* Inputs and outputs in the order that the options asked for. */
  pixloom_status (*describe)(void* self, pixloom_description* out);
  pixloom_status (*run)(void* self, const pixloom_tensor* inputs, uint32_t input_count,
                        pixloom_outputs* outputs);
  /* Bytes of the device's memory in use by this process, and what there is; 0: not known. */
  pixloom_status (*memory)(void* self, uint64_t* used, uint64_t* limit);
  /* What went wrong in the last call on this thread, in words; self is NULL after probe, create and
     functions of extensions. Valid until the next call on this thread; never NULL. */
  const char* (*last_error)(void* self);
  void (*destroy)(void* self);
  /* A table of an optional feature ("pinned-memory/1"), valid for ever, or NULL. self may be
     NULL. */
  const void* (*get_extension)(void* self, const char* id);
} pixloom_backend;

/* Extension "pinned-memory/1": host memory that a device copies from and to without stopping. */
typedef struct pixloom_pinned_memory {
  uint32_t struct_size;
  void* (*allocate)(uint64_t bytes); /* aligned to 64 bytes; NULL: none left */
  void (*release)(void* memory);
} pixloom_pinned_memory;

/* Extension "write-torchscript/1": makes a TorchScript file of source text and parameters. */
typedef struct pixloom_parameter {
  const char* name; /* "conv1_weight": an attribute of the module */
  pixloom_tensor value;
  uint32_t is_buffer; /* 1: not trained, as the statistics of batch normalisation */
} pixloom_parameter;

typedef struct pixloom_write_torchscript {
  uint32_t struct_size;
  pixloom_status (*write)(const char* path, const char* source, const pixloom_parameter* parameters,
                          uint32_t parameter_count);
} pixloom_write_torchscript;

/*
 * The one exported function. Returns PIXLOOM_OK and both tables (static, valid for ever), or
 * PIXLOOM_NO_DEVICE with a message in `error` (a text of at most `error_size` bytes with its end)
 * when what the plugin needs is not installed. It must be fast: no model, no device is touched. It
 * may be called more than once.
 */
PIXLOOM_PLUGIN_EXPORT pixloom_status pixloom_plugin_entry(uint32_t host_abi_version,
                                                          const pixloom_plugin_info** info,
                                                          const pixloom_backend** backend,
                                                          char* error, uint32_t error_size);

typedef pixloom_status (*pixloom_plugin_entry_fn)(uint32_t host_abi_version,
                                                  const pixloom_plugin_info** info,
                                                  const pixloom_backend** backend, char* error,
                                                  uint32_t error_size);

#define PIXLOOM_PLUGIN_ENTRY "pixloom_plugin_entry"

#ifdef __cplusplus
}
#endif

#endif
