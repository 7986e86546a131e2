/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin in C99 that doubles what it is given, and, with FAULT, the ways in which one can be
 * wrong. Also the check that plugin_abi.h is a C header: built with -pedantic -Werror.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/plugin_abi.h"

#define NONE 0
#define CRASHES 1 /* in a constructor */
#define ABORTS 2  /* in the entry, with last words */
#define HANGS 3   /* in the entry */
#define EXITS 4   /* in the entry */
#define REFUSES 5 /* with a message */
#define OTHER_MAJOR 6
#define LATER_MINOR 7
#define SMALL_TABLE 8
#define NO_RUN 9
#define OTHER_ID 10
#define NO_TABLES 11
#define MISSING_LIBRARY 12
#define NO_ENTRY 13

#ifndef FAULT
#define FAULT NONE
#endif

#if FAULT == MISSING_LIBRARY
int pixloom_test_absent(void);
#endif

/* A byte more for each time that the library is loaded, to the file that the test names. */
__attribute__((constructor)) static void note_loading(void) {
  const char* path = getenv("PIXLOOM_TEST_LOADED");
  FILE* file = path == NULL ? NULL : fopen(path, "a");
  if (file != NULL) {
    fputc('x', file);
    fclose(file);
  }
#if FAULT == CRASHES
  *(volatile int*)0 = 1;
#endif
}

#if FAULT != NO_ENTRY

static const char* last_error = "";

static pixloom_status probe(const char* path, const char* format, const char* device) {
  (void)path;
  last_error = "";
  if (strcmp(format, "double") != 0) {
    last_error = "this plugin knows the format double";
    return PIXLOOM_BAD_MODEL;
  }
  return strcmp(device, "cpu") == 0 ? PIXLOOM_OK : PIXLOOM_NO_DEVICE;
}

static pixloom_status create(const pixloom_options* options, void** self) {
  (void)options;
  *self = malloc(1);
  return *self == NULL ? PIXLOOM_OUT_OF_MEMORY : PIXLOOM_OK;
}

static void fill(pixloom_port* port, const char* name) {
  memset(port, 0, sizeof *port);
  port->name = name;
  port->ndim = 2;
  port->dims[0] = port->dims[1] = -1;
}

static pixloom_status describe(void* self, pixloom_description* out) {
  (void)self;
  out->flags = PIXLOOM_RUNS_CONCURRENTLY;
  out->input_count = out->output_count = 1;
  fill(&out->inputs[0], "x");
  fill(&out->outputs[0], "y");
  out->device = "cpu";
  out->waits = 0;
  return PIXLOOM_OK;
}

static pixloom_status run(void* self, const pixloom_tensor* inputs, uint32_t input_count,
                          pixloom_outputs* outputs) {
  int64_t i, count;
  float* out;
  (void)self;
  if (input_count != 1 || inputs[0].ndim != 2) return PIXLOOM_BAD_SHAPE;
  count = inputs[0].dims[0] * inputs[0].dims[1];
  out = outputs->place(outputs->context, 0, 2, inputs[0].dims);
  if (out == NULL) return PIXLOOM_OUT_OF_MEMORY;
  for (i = 0; i < count; ++i) out[i] = 2 * inputs[0].data[i];
  return PIXLOOM_OK;
}

static const char* get_last_error(void* self) {
  (void)self;
  return last_error;
}

static const pixloom_plugin_info info = {sizeof(pixloom_plugin_info),
                                         FAULT == OTHER_MAJOR   ? (PIXLOOM_ABI_MAJOR + 1) << 16
                                         : FAULT == LATER_MINOR ? PIXLOOM_ABI_VERSION + 1
                                                                : PIXLOOM_ABI_VERSION,
                                         FAULT == OTHER_ID ? "other" : "c_plugin",
                                         "C",
                                         "0.1",
                                         "doubler 3"};

static const pixloom_backend table = {
    sizeof(pixloom_backend) - (FAULT == SMALL_TABLE ? sizeof(void*) : 0),
    probe,
    create,
    describe,
    FAULT == NO_RUN ? NULL : run,
    NULL,
    get_last_error,
    free,
    NULL};

pixloom_status pixloom_plugin_entry(uint32_t host_abi_version, const pixloom_plugin_info** info_out,
                                    const pixloom_backend** backend, char* error,
                                    uint32_t error_size) {
  (void)host_abi_version, (void)info, (void)table, (void)error, (void)error_size;
  *info_out = NULL;
  *backend = NULL;
#if FAULT == ABORTS
  fputs("first line\nno \033 luck today\n", stderr);
  abort();
#elif FAULT == HANGS
  puts("waiting for Godot");
  fflush(stdout);
  for (;;) sleep(1);
#elif FAULT == EXITS
  exit(3);
#elif FAULT == REFUSES
  snprintf(error, error_size, "the runtime was not found");
  return PIXLOOM_NO_DEVICE;
#elif FAULT != NO_TABLES
  *info_out = &info;
  *backend = &table;
#endif
#if FAULT == MISSING_LIBRARY
  pixloom_test_absent();
#endif
  return PIXLOOM_OK;
}

#endif
