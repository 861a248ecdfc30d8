/* messages.h - what people are told, as messages of a catalogue (gettext): the English of the
 * sources, until the program has begun another language (examreplay's language.h). */
#ifndef EXAMCTL_MESSAGES_H
#define EXAMCTL_MESSAGES_H

#include <libintl.h>

#define LANGUAGE_DOMAIN "examreplay"
#define _(text)         dgettext(LANGUAGE_DOMAIN, text)
#define N_(text)        text /* told later, by _() */
/* Of so many; the number is the caller's to print. */
#define P_(one, many, n) dngettext(LANGUAGE_DOMAIN, one, many, (unsigned long)(n))

#endif
