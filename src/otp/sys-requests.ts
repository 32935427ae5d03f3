/** What `sys` asks of a process with state `S`. Any behaviour answers these, whatever else it does. */
export type SystemRequest<S = unknown> =
  | { readonly type: 'get_state' }
  | ReplaceState<S>
  | { readonly type: 'get_status' }
  | { readonly type: 'suspend' }
  | { readonly type: 'resume' }
  | { readonly type: 'terminate'; readonly reason: unknown };

interface ReplaceState<S> {
  readonly type: 'replace_state';
  replace(state: S): S;
}
