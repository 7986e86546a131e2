/* SPDX-License-Identifier: Apache-2.0 */
/* What c_plugin_missing_library needs and does not find. */
int pixloom_test_absent(void);
int pixloom_test_absent(void) { return 1; }
