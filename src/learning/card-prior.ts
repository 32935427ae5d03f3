/**
 * What a fresh cost model believes of a machine whose card was measured (`pitwall doctor`): the constants of `cost-prior.ts`, scaled to the machine's
 * pace, and drawn to what was measured.
 *
 * The card has lines of whole transfers of tensors: latency = fixed + perByte * size. The model's form splits what a byte costs into the lane's own
 * part and handling (encoding, the worker's reading), which both lanes pay. What lanes share cannot be told from two lines: the constants' split
 * of the zero-copy line is taken, and what the gRPC line has beyond that handling is gRPC's own.
 *
 * A constant and its measurement are two normal estimates of one logarithm, so they are weighed by their precisions (Gelman et al., Bayesian Data
 * Analysis, 2013, ch. 2.5): few samples on a busy machine move less than many on a calm one.
 */
import { type CostPrior, checkedPrior, DEFAULT_COST_PRIOR, type PriorConstant } from './cost-prior.ts';
import type { LaneLine, MachineCard } from './machine-card.ts';

/** Never throws for a card that `checkedCard` passed. */
export function priorFromCard(card: MachineCard): CostPrior {
  const { grpc, zeroCopy } = card;
  const base = DEFAULT_COST_PRIOR;
  const pace = paceOf(card);
  const handling = zeroCopy === null ? pace * TENSOR_HANDLING : (1 - COPY_SHARE) * zeroCopy.usPerByte;
  const scaled = (constant: PriorConstant): PriorConstant => ({ ...constant, mean: constant.mean * pace });
  const cold = zeroCopy?.cold ?? undefined;
  const coldFixedUs = drawn(scaled(base.coldFixedUs), cold?.fixedUs, cold, ROUGH);
  const coldUsPerByte = drawn(scaled(base.coldUsPerByte), cold?.usPerByte, cold, FIRM);
  const gzip = grpc.gzip ?? undefined;
  return checkedPrior({
    ...base,
    grpcFixedUs: drawn(scaled(base.grpcFixedUs), grpc.fixedUs, grpc, FIRM),
    grpcUsPerByte: drawn(scaled(base.grpcUsPerByte), beyond(grpc.usPerByte, handling), grpc, FIRM),
    gzipFixedUs: scaled(base.gzipFixedUs),
    gzipUsPerByte: drawn(scaled(base.gzipUsPerByte), gzip && beyond(gzip.usPerByte, handling), gzip, ROUGH),
    zeroCopyFixedUs: drawn(scaled(base.zeroCopyFixedUs), zeroCopy?.fixedUs, zeroCopy, FIRM),
    zeroCopyUsPerByte: drawn(
      scaled(base.zeroCopyUsPerByte),
      zeroCopy === null ? undefined : COPY_SHARE * zeroCopy.usPerByte,
      zeroCopy,
      FIRM,
    ),
    coldFixedUs,
    coldUsPerByte,
    // Between nothing and cold, as far as the constants are.
    unknownFixedUs: { ...base.unknownFixedUs, mean: coldFixedUs.mean * UNKNOWN_FIXED_SHARE },
    unknownUsPerByte: { ...base.unknownUsPerByte, mean: coldUsPerByte.mean * UNKNOWN_BYTE_SHARE },
    handlingUsPerByte: scaled(base.handlingUsPerByte),
    handlingByType: handlingByType(card, handling, pace),
    machineLevel: { mean: -loadTerm(card), sd: LEVEL_SD },
    records: zeroCopy === null ? 0 : Math.min(MAX_RECORDS, WORTH * Math.min(grpc.transfers, zeroCopy.transfers)),
  });
}

/** Standard deviation of a measured logarithm: what no number of samples takes away, and what each sample scatters. */
interface Doubt {
  readonly floor: number;
  readonly scatter: number;
}
/** Of a line through four sizes. The next minute has other neighbours. */
const FIRM: Doubt = { floor: 0.2, scatter: 0.5 };
/** Of a difference, or of two sizes only. */
const ROUGH: Doubt = { floor: 0.4, scatter: 1 };
const LEVEL_SD = 0.5;
/** Bounds of how much slower or faster than the constants' machine one may be in what was not measured. */
const PACE_LOW = 0.05;
const PACE_HIGH = 50;
/** A lane's own part of its cost per byte is at least this. */
const LEAST_SHARE = 0.1;
/** Records that a card counts for: enough to be followed, soon outweighed by the pool's own. */
const MAX_RECORDS = 32;
/** Sizes that were chosen to lie far apart tell more of a line than those that come. */
const WORTH = 4;
const TENSOR_HANDLING = DEFAULT_COST_PRIOR.handlingByType.tensor ?? DEFAULT_COST_PRIOR.handlingUsPerByte.mean;
const COPY_SHARE =
  DEFAULT_COST_PRIOR.zeroCopyUsPerByte.mean / (DEFAULT_COST_PRIOR.zeroCopyUsPerByte.mean + TENSOR_HANDLING);
const UNKNOWN_FIXED_SHARE = DEFAULT_COST_PRIOR.unknownFixedUs.mean / DEFAULT_COST_PRIOR.coldFixedUs.mean;
const UNKNOWN_BYTE_SHARE = DEFAULT_COST_PRIOR.unknownUsPerByte.mean / DEFAULT_COST_PRIOR.coldUsPerByte.mean;

/** How much slower this machine moves bytes than the one of the constants: geometric mean over the lanes. */
function paceOf({ grpc, zeroCopy }: MachineCard): number {
  const { grpcUsPerByte, zeroCopyUsPerByte } = DEFAULT_COST_PRIOR;
  const byGrpc = grpc.usPerByte / (grpcUsPerByte.mean + TENSOR_HANDLING);
  const byZeroCopy = zeroCopy === null ? byGrpc : zeroCopy.usPerByte / (zeroCopyUsPerByte.mean + TENSOR_HANDLING);
  return Math.min(PACE_HIGH, Math.max(PACE_LOW, Math.sqrt(byGrpc * byZeroCopy)));
}

/** A constant, drawn to its measurement. */
function drawn(
  constant: PriorConstant,
  measured: number | undefined,
  line: LaneLine | null | undefined,
  { floor, scatter }: Doubt,
): PriorConstant {
  if (measured === undefined || line == null || line.transfers < 1) return constant;
  const precision = 1 / (floor ** 2 + scatter ** 2 / line.transfers);
  const own = 1 / constant.logSd ** 2;
  const logMean = (own * Math.log(constant.mean) + precision * Math.log(measured)) / (own + precision);
  return { mean: Math.exp(logMean), logSd: Math.max(LEAST_SD, Math.sqrt(1 / (own + precision))) };
}

/** Learning must stay able to leave what was measured. */
const LEAST_SD = 0.2;

/** What a line has beyond handling. */
function beyond(usPerByte: number, handling: number): number {
  return Math.max(LEAST_SHARE * usPerByte, usPerByte - handling);
}

function handlingByType({ jsonUsPerByte, zeroCopy, grpc }: MachineCard, tensor: number, pace: number) {
  const own = new Map(Object.entries(DEFAULT_COST_PRIOR.handlingByType).map(([type, mean]) => [type, mean * pace]));
  own.set('tensor', tensor);
  if (jsonUsPerByte !== null) own.set('json', beyond(jsonUsPerByte, (zeroCopy ?? grpc).usPerByte - tensor));
  return Object.fromEntries(own);
}

/** The model's load term is in the measurements already: taken out, so that it is not counted twice. */
function loadTerm({ systemLoad }: MachineCard): number {
  return systemLoad === null ? 0 : DEFAULT_COST_PRIOR.load.mean * (systemLoad - LOAD_ORIGIN);
}

/** As in `cost-structure.ts`. */
const LOAD_ORIGIN = 0.5;
