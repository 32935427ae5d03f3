import { ROOT_CONTEXT, type Tracer, trace } from '@opentelemetry/api';
import type { Logger } from '../config/types.ts';
import { describeReason, type SupervisorReport } from '../otp/index.ts';
import { ATTRIBUTES, EVENTS, SPANS } from './names.ts';

const LONGEST_REASON = 256;

/**
 * Tells what a supervisor reports: a log line always, and an event on a span where there is tracing. Started children are logged at
 * `debug` and leave no event. Never throws.
 *
 * @param tracer undefined: no tracing
 */
export function tellReport(report: SupervisorReport, logger: Logger, tracer: Tracer | undefined): void {
  try {
    const { supervisor, offender, context, restarts } = report;
    if (report.kind === 'start') {
      logger.debug(`${offender.id} started`, { supervisor: supervisor.name });
      return;
    }
    const reason = describeReason(report.reason).slice(0, LONGEST_REASON);
    const fields = { supervisor: supervisor.name, child: offender.id, context, reason, restarts };
    if (report.context === 'shutdown') logger.error(`supervisor ${supervisor.name} gives up`, fields);
    else logger.warn(`${offender.id} ${WHAT_HAPPENED[report.context]}`, fields);
    if (tracer !== undefined) addEvent(tracer, report, reason);
  } catch {
    // A supervisor's work does not depend on being heard.
  }
}

const WHAT_HAPPENED = {
  started: 'started',
  start_error: 'could not start',
  child_terminated: 'ended',
  shutdown_error: 'did not stop as it should',
} as const;

function addEvent(tracer: Tracer, report: SupervisorReport, reason: string): void {
  const place = {
    [ATTRIBUTES.supervisor.name]: report.supervisor.name,
    [ATTRIBUTES.child.name]: report.offender.id,
  };
  const event = {
    ...place,
    [ATTRIBUTES.context.name]: report.context,
    [ATTRIBUTES.exitReason.name]: reason,
    [ATTRIBUTES.restarts.name]: report.restarts,
  };
  const current = trace.getActiveSpan();
  if (current?.isRecording() === true) {
    current.addEvent(EVENTS.report.name, event);
    return;
  }
  const span = tracer.startSpan(SPANS.supervise.name, { attributes: place, root: true }, ROOT_CONTEXT);
  span.addEvent(EVENTS.report.name, event);
  span.end();
}
