#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "roster.h"
#include "table_file.h"

static char path[] = "/tmp/seatsim-table-XXXXXX";

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/seatsim-table-XXXXXX");
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static exam_err read_roster(const char *text, struct roster *r, char *why, size_t why_bytes)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return roster_read(path, r, why, why_bytes);
}

/* Columns are found by name in any order; quotes, CRLF and a byte order mark are understood. */
static void test_roster__reads_columns_by_name(void **state)
{
    (void)state;
    struct roster r;
    char why[200];
    assert_int_equal(read_roster("\xef\xbb\xbfseat,name,admission_no,id_no\r\n"
                                 "R01-01,\"Li, \"\"Q\"\"\",2026010001,990101\r\n"
                                 "R01-02,x,2026010002,990102",
                                 &r, why, sizeof why),
                     EXAM_OK);
    assert_int_equal(r.n, 2);
    assert_string_equal(r.row[0].seat, "R01-01");
    assert_string_equal(r.row[0].admission_no, "2026010001");
    assert_string_equal(r.row[1].id_no, "990102");
    roster_free(&r);
}

/* Each kind of bad file is refused, and the text names the line. */
static void test_roster__refuses_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "empty"},
        {"seat,id_no\na,b\n", "admission_no"},
        {"seat,id_no,admission_no\na,b\n", "line 2"},
        {"seat,id_no,admission_no\na,b,c\nd,e,\"f\n", "quotes"},
        {"seat,id_no,admission_no\na,b,\n", "line 2"},
        {"seat,id_no,admission_no\na,b,123456789012345678901234567890123\n", "line 2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct roster r;
        char why[200] = "";
        assert_int_not_equal(read_roster(bad[i].text, &r, why, sizeof why), EXAM_OK);
        assert_non_null(strstr(why, bad[i].says));
    }
}

static exam_err cell_keep(void *ctx, uint64_t line, const char *const *cells)
{
    (void)line;
    strcpy(ctx, cells[0]);
    return EXAM_OK;
}

/* The apostrophe that shields a formula is taken off, any other one is part of the value. */
static void test_table__takes_the_shield_off(void **state)
{
    (void)state;
    static const char *const text[][2] = {
        {"v\n'=1+1\n", "=1+1"}, {"v\n'x\n", "'x"}, {"v\n'\n", "'"}, {"v\n-1\n", "-1"}};
    static const char *const columns[] = {"v"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        char cell[64] = "", why[200];
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text[i][0], f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(table_file_read(path, columns, 1, cell_keep, cell, why, sizeof why),
                         EXAM_OK);
        assert_string_equal(cell, text[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roster__reads_columns_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roster__refuses_bad_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table__takes_the_shield_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
