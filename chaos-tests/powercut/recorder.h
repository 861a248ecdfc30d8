/* recorder.h - records what LMDB does to its data file, on a tape.
 * Shell. The program that links it defines the calls that liblmdb makes (open, close, write,
 * pwrite, writev, pwritev, fdatasync, fsync, ftruncate) ahead of libc's, passes them on to the
 * kernel, and notes those on the one file that is watched. A call that the disk model does not know
 * (a truncation) ends the program: it would make the recording untrue. */
#ifndef EXAM_RECORDER_H
#define EXAM_RECORDER_H

#include "tape.h"

/* From now on, whatever is done to the file whose path is `path` goes to `tape`; neither is copied.
 */
void recorder_begin(const char *path, struct tape *tape);
void recorder_end(void);

#endif
