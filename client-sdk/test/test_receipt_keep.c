/* A candidate's receipt beside the journal: whole, durable, the same one as often as it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "receipt_keep.h"

static const struct receipt receipt = {
    .batch = "B1", .candidate = "20260517", .answers = 3, .lsn = 812, .epoch = 2, .node = "A"};

static void assert_kept(const char *path)
{
    char text[RECEIPT_BYTES_MAX];
    struct receipt r;
    struct stat st;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    assert_int_equal(receipt_parse(text, n, &r), EXAM_OK);
    assert_true(receipt_same_facts(&r, &receipt));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* It is there under its candidate's and its record's name, and nothing else is. */
static void test_receipt_keep__is_there(void **state)
{
    char dir[] = "/tmp/test-receipt-XXXXXX", path[RECEIPT_PATH_BYTES], want[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(receipt_keep(dir, &receipt, path), EXAM_OK);
        snprintf(want, sizeof want, "%s/receipt-20260517-812.txt", dir);
        assert_string_equal(path, want);
        assert_kept(path);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* Where it cannot be written it is not there by half, and the caller hears it. */
static void test_receipt_keep__cannot(void **state)
{
    char path[RECEIPT_PATH_BYTES], dir[2 * RECEIPT_PATH_BYTES], link[64], fresh[128];
    char real[] = "/tmp/test-receipt-XXXXXX";
    struct stat st;
    (void)state;
    assert_int_equal(receipt_keep("/nowhere/at/all", &receipt, path), EXAM_IO);
    memset(dir, 'd', sizeof dir - 1);
    dir[sizeof dir - 1] = '\0';
    assert_int_equal(receipt_keep(dir, &receipt, path), EXAM_TOO_BIG);
    assert_non_null(mkdtemp(real)); /* whoever may write there leads it nowhere else */
    snprintf(link, sizeof link, "%s/elsewhere", real);
    snprintf(fresh, sizeof fresh, "%s/receipt-20260517-812.txt.new", real);
    assert_int_equal(symlink(link, fresh), 0);
    assert_int_equal(receipt_keep(real, &receipt, path), EXAM_IO);
    assert_int_not_equal(stat(link, &st), 0);
    (void)unlink(fresh);
    assert_int_equal(rmdir(real), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipt_keep__is_there),
        cmocka_unit_test(test_receipt_keep__cannot),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
