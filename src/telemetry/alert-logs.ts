import { type Logger as EventLogger, type LoggerProvider, logs, SeverityNumber } from '@opentelemetry/api-logs';
import { ATTRIBUTES, LOGS, SCOPE } from './names.ts';

/** What is told of an alert. Structural: who keeps alerts stands above this folder. */
export interface ToldAlert {
  readonly key: string;
  readonly kind: string;
  readonly severity: 'warning' | 'critical';
  readonly pool: string | undefined;
  readonly message: string;
  readonly comparison?: unknown;
  readonly likelyCause?: string | undefined;
  readonly lookAt?: string | undefined;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
}

/** What happened to it. */
export type AlertNews = 'raised' | 'resolved';

export type TellAlert = (news: AlertNews, alert: ToldAlert) => void;

/** The longest figures that are written into an attribute. */
const LONGEST_COMPARISON = 4_096;

/**
 * Alerts as OpenTelemetry log records (events, with `eventName`): WARN and ERROR where one is raised, INFO where it is over. Without an SDK for logs
 * it does nothing. Never throws.
 *
 * @param provider default: the global one, which may be registered later
 */
export function alertLogs(provider: LoggerProvider | undefined, version?: string): TellAlert {
  const logger: EventLogger = (provider ?? logs).getLogger(SCOPE, version);
  return (news, alert) => {
    try {
      logger.emit({
        eventName: LOGS[news].name,
        timestamp: news === 'raised' ? alert.firstAtMs : alert.lastAtMs,
        ...severityOf(news, alert),
        body: alert.message,
        attributes: attributesOf(alert),
      });
    } catch {
      // Whoever listens is no part of what happened.
    }
  };
}

function severityOf(
  news: AlertNews,
  { severity }: ToldAlert,
): { severityNumber: SeverityNumber; severityText: string } {
  if (news === 'resolved') return { severityNumber: SeverityNumber.INFO, severityText: 'INFO' };
  if (severity === 'critical') return { severityNumber: SeverityNumber.ERROR, severityText: 'ERROR' };
  return { severityNumber: SeverityNumber.WARN, severityText: 'WARN' };
}

function attributesOf(alert: ToldAlert): Record<string, string | number> {
  const { key, kind, severity, pool, comparison, likelyCause, lookAt, count } = alert;
  const entries: [name: string, value: string | number | undefined][] = [
    [ATTRIBUTES.alertKey.name, key],
    [ATTRIBUTES.alertKind.name, kind],
    [ATTRIBUTES.alertSeverity.name, severity],
    [ATTRIBUTES.pool.name, pool],
    [
      ATTRIBUTES.alertComparison.name,
      comparison === undefined ? undefined : JSON.stringify(comparison).slice(0, LONGEST_COMPARISON),
    ],
    [ATTRIBUTES.alertCause.name, likelyCause],
    [ATTRIBUTES.alertLookAt.name, lookAt],
    [ATTRIBUTES.alertCount.name, count],
  ];
  const attributes: Record<string, string | number> = {};
  for (const [name, value] of entries) if (value !== undefined) attributes[name] = value;
  return attributes;
}
