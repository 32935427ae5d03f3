/** Where the memory of the control groups around a process is told. Pure: text in, paths out. Formats: cgroups(7), proc_pid_mountinfo(5). */

export interface GroupFiles {
  readonly limits: readonly string[];
  readonly usage: string;
  readonly stat: string;
  /** Page cache that the kernel would drop first, a field of `stat`. */
  readonly droppable: RegExp;
}

/**
 * The group that a process is in and each above it, nearest first.
 *
 * @param cgroup `/proc/self/cgroup`
 * @param mountinfo `/proc/self/mountinfo`
 */
export function memoryGroups(cgroup: string, mountinfo: string): GroupFiles[] {
  const v1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(\/.*)$/m.exec(cgroup)?.[1];
  if (v1 !== undefined) {
    return directoriesOf(v1, 'cgroup', mountinfo).map((directory) => ({
      limits: [`${directory}/memory.limit_in_bytes`],
      usage: `${directory}/memory.usage_in_bytes`,
      stat: `${directory}/memory.stat`,
      droppable: /^total_inactive_file (\d+)$/m,
    }));
  }
  const v2 = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  if (v2 === undefined) return [];
  return directoriesOf(v2, 'cgroup2', mountinfo).map((directory) => ({
    // Above `high` a group is throttled hard, long before `max` kills.
    limits: [`${directory}/memory.max`, `${directory}/memory.high`],
    usage: `${directory}/memory.current`,
    stat: `${directory}/memory.stat`,
    droppable: /^inactive_file (\d+)$/m,
  }));
}

/** `36 35 98:0 /root /point rw shared:1 - cgroup cgroup rw,memory`: in a container the mount's root may be the group itself. */
function directoriesOf(name: string, type: string, mountinfo: string): string[] {
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [, , , root = '', point = ''] = before.split(' ');
    const [kind, , options = ''] = after.split(' ');
    if (kind !== type || (type === 'cgroup' && !options.split(',').includes('memory'))) continue;
    const top = root === '/' ? '' : root;
    const inside = name === top || name.startsWith(`${top}/`) ? name.slice(top.length) : '';
    const steps = inside.split('/').filter((step) => step !== '');
    // Outside of what this namespace shows.
    if (steps.includes('..')) return [point];
    return steps.map((_, index) => [point, ...steps.slice(0, steps.length - index)].join('/')).concat(point);
  }
  return [];
}
