/** Figures as people read them. Pure. */

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Of microseconds. */
export function milliseconds(us: number): string {
  if (us < 100) return `${us.toFixed(0)} us`;
  if (us < 10_000) return `${(us / 1000).toFixed(2)} ms`;
  return us < 10_000_000 ? `${Math.round(us / 1000)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}

/** `1 203`. */
export function spaced(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

export function laneName(method: string): string {
  return method === 'grpc' ? 'gRPC' : method === 'zero_copy' ? 'zero-copy' : method;
}
