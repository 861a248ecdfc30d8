/* language.h - in which language people are told: English as the sources have it, or a catalogue of
 * po/. Shell (gettext); to be called once, before anything is told. */
#ifndef EXAMREPLAY_LANGUAGE_H
#define EXAMREPLAY_LANGUAGE_H

#include "exam_err.h"
#include "messages.h"

/* "en", or the name of a catalogue ("zh_CN"). `folder` has the catalogues; NULL: those of this
 * program, as built or as installed. EXAM_NOT_FOUND: there is no such catalogue. */
EXAM_MUST_USE exam_err language_begin(const char *name, const char *folder);
/* As the newest language_begin said; "en" before. For HTML: "en", "zh-CN". */
const char *language_tag(void);

#endif
