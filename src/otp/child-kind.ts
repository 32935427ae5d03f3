/**
 * When a child that ended is started again: `permanent` always, `transient` unless it ended in order (`normal`, `shutdown`,
 * `{ shutdown }`), `temporary` never, not even for a sibling's sake.
 */
export type Restart = 'permanent' | 'transient' | 'temporary';

/**
 * How a child is stopped: `brutal_kill`, or told to shut down and killed if it takes longer than so many milliseconds; `infinity` waits.
 */
export type ShutdownTime = number | 'infinity' | 'brutal_kill';

/** What a child is, to those who count and list it. */
export type ChildType = 'worker' | 'supervisor';
