import { describe, expect, it } from 'vitest';
import { memoryGroups } from '../../src/transports/memory/control-groups.ts';

const V2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const V1 = [
  '31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct',
  '32 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
].join('\n');

function usages(cgroup: string, mountinfo: string): string[] {
  return memoryGroups(cgroup, mountinfo).map(({ usage }) => usage);
}

describe('control groups with a say in memory', () => {
  it('of version 2 are the own one and each above it', () => {
    expect(usages('0::/kubepods.slice/pod1.slice/box', V2)).toEqual([
      '/sys/fs/cgroup/kubepods.slice/pod1.slice/box/memory.current',
      '/sys/fs/cgroup/kubepods.slice/pod1.slice/memory.current',
      '/sys/fs/cgroup/kubepods.slice/memory.current',
      '/sys/fs/cgroup/memory.current',
    ]);
    expect(memoryGroups('0::/a', V2)[0]?.limits).toEqual([
      '/sys/fs/cgroup/a/memory.max',
      '/sys/fs/cgroup/a/memory.high',
    ]);
  });

  it('of version 1 are those of its memory controller, whatever else is mounted', () => {
    expect(usages('9:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/y', V1)).toEqual([
      '/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes',
      '/sys/fs/cgroup/memory/docker/memory.usage_in_bytes',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes',
    ]);
  });

  it('in a container are what its mount shows', () => {
    expect(usages('0::/', V2)).toEqual(['/sys/fs/cgroup/memory.current']);
    const bound = '30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw';
    expect(usages('0::/docker/abc', bound)).toEqual(['/sys/fs/cgroup/memory.current']);
    expect(usages('0::/docker/abc/inner', bound)).toEqual([
      '/sys/fs/cgroup/inner/memory.current',
      '/sys/fs/cgroup/memory.current',
    ]);
    expect(usages('0::/../other', V2)).toEqual(['/sys/fs/cgroup/memory.current']);
  });

  it('are none where there are none', () => {
    expect(usages('', '')).toEqual([]);
    expect(usages('0::/a', '')).toEqual([]);
    expect(usages('nonsense', 'nonsense - - -')).toEqual([]);
  });
});
