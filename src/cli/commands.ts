/** The subcommands of `pitwall`, in the order of the help. Each is loaded when it is called. */
import type { Command, CommandTitle } from './command.ts';

export interface CommandEntry extends CommandTitle {
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'top',
    summary: 'what goes on now, pool by pool, refreshed each second',
    load: async () => (await import('./top.ts')).command,
  },
  {
    name: 'dashboard',
    summary: 'the same in a browser, with charts, what was learned, alerts, advice and experiments',
    load: async () => (await import('./dashboard.ts')).command,
  },
  {
    name: 'stats',
    summary: 'what was measured: per pool and lane, by kind of payload, over time',
    load: async () => (await import('./stats.ts')).command,
  },
  {
    name: 'check',
    summary: 'whether service levels hold, as an exit code for pipelines',
    load: async () => (await import('./check.ts')).command,
  },
  {
    name: 'bench',
    summary: 'both lanes measured against each other on this machine, or a trace of it to replay',
    load: async () => (await import('./bench.ts')).command,
  },
  {
    name: 'doctor',
    summary: 'what transfers cost on this machine, what is missing on it, and the card that fresh pools start from',
    load: async () => (await import('./doctor.ts')).command,
  },
  {
    name: 'replay',
    summary: 'what pitwall would have done with recorded transfers, beside what anybody else would have',
    load: async () => (await import('./replay.ts')).command,
  },
  {
    name: 'explain',
    summary: 'which sizes of payload take which lane, from what a pool has learned',
    load: async () => (await import('./explain.ts')).command,
  },
  {
    name: 'experiments',
    summary: 'the experiments of a host: variants, comparisons with intervals, verdicts',
    load: async () => (await import('./experiments.ts')).command,
  },
  {
    name: 'alerts',
    summary: 'what is wrong at a host, what probably caused it, and where to look',
    load: async () => (await import('./advice.ts')).alertsCommand,
  },
  {
    name: 'advice',
    summary: 'what could be done better, what it would gain, and what was gained so far',
    load: async () => (await import('./advice.ts')).adviceCommand,
  },
  {
    name: 'policies',
    summary: 'what a pool’s policy was when, who changed it and why; and what another one would have done',
    load: async () => (await import('./policies.ts')).command,
  },
  {
    name: 'config',
    summary: 'whether a configuration is valid, and what it would change',
    load: async () => (await import('./config.ts')).command,
  },
  {
    name: 'export',
    summary: 'everything that was recorded and learned, for a post-mortem or another machine',
    load: async () => (await import('./exchange-commands.ts')).exportCommand,
  },
  {
    name: 'import',
    summary: 'takes in what another data directory exported',
    load: async () => (await import('./exchange-commands.ts')).importCommand,
  },
];
