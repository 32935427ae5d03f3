/** Results of at least so many bytes go into shared memory where the host offers some; smaller ones travel in the reply. Both sides go by it. */
export const LARGE_RESULT = 64 * 1024;
