#include "base32.h"

#include <string.h>

const char base32_symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int base32_value(char typed)
{
    char upper = typed >= 'a' && typed <= 'z' ? (char)(typed - 'a' + 'A') : typed;
    const char *at;

    if (upper == 'O')
        upper = '0';
    if (upper == 'I' || upper == 'L')
        upper = '1';
    at = upper != '\0' ? strchr(base32_symbols, upper) : NULL;
    return at != NULL ? (int)(at - base32_symbols) : -1;
}
