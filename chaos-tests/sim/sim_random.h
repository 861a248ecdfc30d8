/* sim_random.h - chance from a seed: what libsodium's randombytes gives in a simulation.
 * Single-threaded, of the whole process. The same seed gives the same keys, the same dialling
 * times, and so the same history. Never to be linked into anything that keeps a secret. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdint.h>

/* Begins anew with this seed; calls sodium_init. */
void sim_random_seed(uint64_t seed);

#endif
