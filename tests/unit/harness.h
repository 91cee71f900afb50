/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The unit tests' main and assertions over CUnit. A file lists its tests once, in TESTS(...); a static test function that is
 * not listed is an unused function and fails the build. Not for integration tests, which start servers.                     */
#ifndef TESTS_UNIT_HARNESS_H
#define TESTS_UNIT_HARNESS_H

#include <CUnit/Basic.h>
#include <stdio.h>

struct test_case {
	const char *name;
	void (*run)(void);
};

/* Asserts with the number of the table row in the failure text. */
#define EXPECT(cond) CU_ASSERT(cond)
#define EXPECT_IDX(cond, idx)                                                                                          \
	do {                                                                                                           \
		int expect_ok_ = (cond) ? 1 : 0;                                                                       \
		if (!expect_ok_)                                                                                       \
			printf("\n    row %zu: %s\n", (size_t)(idx), #cond);                                           \
		CU_assertImplementation(expect_ok_, __LINE__, #cond, __FILE__, "", CU_FALSE);                          \
	} while (0)
/* As EXPECT, and leaves the test: what follows needs it. */
#define REQUIRE(cond) CU_ASSERT_FATAL(cond)

#define T(fn) { #fn, fn }

#define TESTS(...)                                                                                                     \
	int main(void)                                                                                                 \
	{                                                                                                              \
		static const struct test_case cases[] = { __VA_ARGS__ };                                               \
		if (CU_initialize_registry() != CUE_SUCCESS)                                                           \
			return 2;                                                                                      \
		CU_pSuite suite = CU_add_suite(__FILE__, NULL, NULL);                                                  \
		for (size_t i = 0; suite != NULL && i < sizeof cases / sizeof cases[0]; i++)                           \
			if (CU_add_test(suite, cases[i].name, cases[i].run) == NULL)                                   \
				return 2;                                                                              \
		CU_basic_set_mode(CU_BRM_VERBOSE);                                                                     \
		(void)CU_basic_run_tests();                                                                            \
		unsigned failed = CU_get_number_of_failures(), ran = CU_get_number_of_tests_run();                     \
		CU_cleanup_registry();                                                                                 \
		return failed == 0 && ran > 0 ? 0 : 1;                                                                 \
	}

#endif
