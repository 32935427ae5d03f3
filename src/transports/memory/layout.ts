/**
 * What lies where in a region. Numbers are whole, 8 bytes, little-endian.
 *
 *   0       8       16       24      4096
 *   │ mark  │ check │ stamp  │ unused │ slice │ slice │ …
 *
 *   slice:  │ generation │ padding to 64 │ payload …
 *                                          ▲ reference.offset
 *
 * The stamp says whose region this is. The mark says how far from the start on the host has faulted pages in: workers do it too, in idle time;
 * the check belongs to it. The generation is that of the lease that holds the slice now; an old reference to memory that serves another transfer
 * is refused by it.
 */
export const HOST_MARK = 0;
export const HOST_MARK_CHECK = 8;
export const STAMP = 16;

/** Offset of the first slice's header: a page of its own for what is not a slice. */
export const FIRST_SLICE = 4096;

/** Bytes before a payload that hold its generation. */
export const HEADER = 64;

/** Generation of a slice that nobody holds. Leases count from 1. */
export const NOT_IN_USE = 0;
