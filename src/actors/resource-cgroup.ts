/**
 * Where a process's memory is limited by a control group, parsed from what Linux says. Pure: text in, paths and numbers out.
 * Formats: cgroups(7), proc_pid_mountinfo(5), and the kernel's admin-guide/cgroup-v1/memory and cgroup-v2.
 */

export interface CgroupFiles {
  readonly limits: readonly string[];
  readonly usage: string;
  readonly stat: string;
  /** The field of `stat` that says how much of the usage is page cache that the kernel would drop first. */
  readonly droppable: string;
}

/**
 * The memory files of the group that a process is in and of each group above it, nearest first: every one of them may hold a limit.
 *
 * @param cgroup `/proc/self/cgroup`
 * @param mountinfo `/proc/self/mountinfo`
 */
export function memoryCgroups(cgroup: string, mountinfo: string): CgroupFiles[] {
  const v1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(\/.*)$/m.exec(cgroup)?.[1];
  const v2 = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  const mounts = parseMounts(mountinfo);
  if (v1 !== undefined) {
    const mount = mounts.find((each) => each.type === 'cgroup' && each.options.split(',').includes('memory'));
    return directories(mount, v1).map((directory) => ({
      limits: [`${directory}/memory.limit_in_bytes`],
      usage: `${directory}/memory.usage_in_bytes`,
      stat: `${directory}/memory.stat`,
      droppable: 'total_inactive_file',
    }));
  }
  if (v2 === undefined) return [];
  return directories(
    mounts.find((each) => each.type === 'cgroup2'),
    v2,
  ).map((directory) => ({
    // Above `high` a group is throttled hard, long before `max` kills: the lower one is the limit.
    limits: [`${directory}/memory.max`, `${directory}/memory.high`],
    usage: `${directory}/memory.current`,
    stat: `${directory}/memory.stat`,
    droppable: 'inactive_file',
  }));
}

/** Bytes of a limit file; undefined where there is no limit (`max`, or v1's largest number). */
export function parseLimit(text: string): number | undefined {
  const bytes = parseBytes(text);
  return bytes === undefined || bytes >= Number.MAX_SAFE_INTEGER ? undefined : bytes;
}

export function parseBytes(text: string): number | undefined {
  const digits = /^\d+/.exec(text)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

/** One field of a `memory.stat`. */
export function parseStatField(text: string, field: string): number | undefined {
  const digits = new RegExp(`^${field} (\\d+)$`, 'm').exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

interface Mount {
  /** Which directory of the hierarchy is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  /** Of the super block. */
  readonly options: string;
}

/** `36 35 98:0 /root /point rw,noatime shared:1 - type source options`. */
function parseMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [, , , root, point] = before.split(' ');
    const [type, , options] = after.split(' ');
    if (root === undefined || point === undefined || type === undefined) continue;
    mounts.push({ root: decodeOctal(root), point: decodeOctal(point), type, options: options ?? '' });
  }
  return mounts;
}

/** Spaces and the like are written as octal escapes. */
function decodeOctal(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * The group's directory and those above it up to the mount point. In a container the mount shows the group itself as its root, while
 * `/proc/self/cgroup` may still give the path from the host's root.
 */
function directories(mount: Mount | undefined, path: string): string[] {
  if (mount === undefined) return [];
  const point = mount.point.replace(/\/+$/, '');
  const root = mount.root.replace(/\/+$/, '');
  const inside = path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '';
  const steps = inside.split('/').filter((step) => step !== '');
  if (steps.includes('..')) return [point];
  return steps.map((_, index) => `${point}/${steps.slice(0, steps.length - index).join('/')}`).concat(point);
}
