import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryCgroups, parseLimit, parseStatField } from '../../src/actors/resource-cgroup.ts';

const usages = (cgroup: string, mountinfo: string): string[] =>
  memoryCgroups(cgroup, mountinfo).map((files) => files.usage);

describe('where the limits of a process lie', () => {
  it('cgroup v2, as systemd sets it up: each group above the process may hold a limit', () => {
    expect(
      usages(
        '0::/system.slice/host.service\n',
        '35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n',
      ),
    ).toEqual([
      '/sys/fs/cgroup/system.slice/host.service/memory.current',
      '/sys/fs/cgroup/system.slice/memory.current',
      '/sys/fs/cgroup/memory.current',
    ]);
  });

  it('cgroup v2 in a container with its own cgroup namespace', () => {
    expect(usages('0::/\n', '1234 1233 0:30 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n')).toEqual([
      '/sys/fs/cgroup/memory.current',
    ]);
  });

  it('cgroup v1 beside an empty v2, as on hybrid machines', () => {
    const cgroup = '9:name=systemd:/\n8:pids:/\n4:memory:/process_api/0da8\n3:cpuset:/\n1:cpu,cpuacct:/\n0::/\n';
    const mountinfo = [
      '30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
      '31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
      '34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
      '40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    ].join('\n');
    expect(usages(cgroup, mountinfo)).toEqual([
      '/sys/fs/cgroup/memory/process_api/0da8/memory.usage_in_bytes',
      '/sys/fs/cgroup/memory/process_api/memory.usage_in_bytes',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes',
    ]);
  });

  it("cgroup v1 in a container: the mount shows the group as root, the process the host's path", () => {
    const mountinfo = '668 667 0:31 /docker/3f2a /sys/fs/cgroup/memory ro,nosuid master:15 - cgroup cgroup rw,memory\n';
    expect(usages('4:memory:/docker/3f2a\n', mountinfo)).toEqual(['/sys/fs/cgroup/memory/memory.usage_in_bytes']);
    expect(usages('4:memory:/docker/3f2a/sub\n', mountinfo)).toEqual([
      '/sys/fs/cgroup/memory/sub/memory.usage_in_bytes',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes',
    ]);
  });

  it('a mount point with a space in its name', () => {
    expect(usages('0::/\n', '1 2 0:30 / /my\\040groups rw - cgroup2 cgroup rw\n')).toEqual([
      '/my groups/memory.current',
    ]);
  });

  it('a group outside the namespace: only the mount itself can be read', () => {
    expect(usages('0::/../other\n', '1 2 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n')).toEqual([
      '/sys/fs/cgroup/memory.current',
    ]);
  });

  it('no groups, no limits', () => {
    expect(memoryCgroups('', '')).toEqual([]);
    expect(memoryCgroups('0::/\n', '24 23 0:22 / /dev/shm rw - tmpfs tmpfs rw\n')).toEqual([]);
  });

  it('any text gives a list', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (cgroup, mountinfo) =>
        Array.isArray(memoryCgroups(`4:memory:/${cgroup}\n0::/${cgroup}`, mountinfo)),
      ),
    );
  });
});

describe('what limit files say', () => {
  it.each([
    ['536870912\n', 536870912],
    ['max\n', undefined],
    ['9223372036854771712\n', undefined],
    ['', undefined],
  ])('%j -> %s', (text, limit) => {
    expect(parseLimit(text)).toBe(limit);
  });

  it('memory.stat fields are told apart from those whose name they end', () => {
    const stat = 'inactive_file 344064\ntotal_inactive_file 22921216\n';
    expect(parseStatField(stat, 'inactive_file')).toBe(344064);
    expect(parseStatField(stat, 'total_inactive_file')).toBe(22921216);
    expect(parseStatField(stat, 'file')).toBeUndefined();
  });
});
