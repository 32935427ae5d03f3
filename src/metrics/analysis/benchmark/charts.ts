/** The charts of the report's page, as they are written into it. */

/**
 * Draws each `.chart` from the data beside it: both axes logarithmic, intervals as bands, the crossing as an upright line with its interval. Drawn anew
 * when the window's width or the colour scheme changes.
 */
export const CHARTS = `
(() => {
  const all = JSON.parse(document.getElementById('data').textContent);
  const holders = [...document.querySelectorAll('.chart')];
  const readings = [...document.querySelectorAll('.reading')];
  const names = { zero_copy: 'zero-copy', grpc: 'gRPC' };
  const round = (value) => Number(value.toPrecision(3)).toString();
  const sizeText = (bytes) => {
    const units = ['B', 'KiB', 'MiB', 'GiB'];
    let unit = 0;
    for (; bytes >= 1024 && unit < 3; unit += 1) bytes /= 1024;
    return round(bytes) + ' ' + units[unit];
  };
  const timeText = (us) => us < 1e3 ? round(us) + ' us' : us < 1e6 ? round(us / 1e3) + ' ms' : round(us / 1e6) + ' s';
  const decades = ([low, high]) => {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) all.push(...[1, 2, 5].map((step) => step * 10 ** power));
    const within = all.filter((us) => us >= low && us <= high);
    return within.length <= 8 ? within : within.filter((us) => Number.isInteger(Math.log10(us)));
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const seriesOf = (lane, index) => [
    { label: names[lane.lane], stroke: colour(lane.lane), width: 2, dash: lane.lane === 'grpc' ? [7, 4] : undefined,
      points: { show: true, size: 7, fill: colour(lane.lane), stroke: colour(lane.lane) } },
    { stroke: colour(lane.lane), width: 0.5, points: { show: false } },
    { stroke: colour(lane.lane), width: 0.5, points: { show: false } },
  ];
  const drawCrossing = (data) => (u) => {
    const found = data.crossover;
    if (!found) return;
    const { ctx, bbox } = u;
    const at = (bytes) => u.valToPos(bytes, 'x', true);
    ctx.save();
    if (found.lowBytes && found.highBytes) {
      ctx.fillStyle = colour('faint') + '33';
      ctx.fillRect(at(found.lowBytes), bbox.top, at(found.highBytes) - at(found.lowBytes), bbox.height);
    }
    ctx.strokeStyle = ctx.fillStyle = colour('ink');
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(at(found.bytes), bbox.top);
    ctx.lineTo(at(found.bytes), bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = 12 * devicePixelRatio + 'px system-ui, sans-serif';
    const right = at(found.bytes) > bbox.left + bbox.width * 0.7;
    ctx.textAlign = right ? 'right' : 'left';
    ctx.fillText('crosses at ' + sizeText(found.bytes), at(found.bytes) + (right ? -6 : 6) * devicePixelRatio, bbox.top + 14 * devicePixelRatio);
    ctx.restore();
  };
  const nameLanes = (data) => (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.font = '600 ' + 12 * devicePixelRatio + 'px system-ui, sans-serif';
    const ends = data.lanes.map((lane) => ({ lane: lane.lane, at: lane.us.findLastIndex((us) => us !== null), us: lane.us }))
      .filter(({ at }) => at >= 0).map((end) => ({ ...end, y: u.valToPos(end.us[end.at], 'y', true) })).sort((a, b) => a.y - b.y);
    if (ends.length === 2 && ends[1].y - ends[0].y < 18 * devicePixelRatio) { ends[0].y -= 9 * devicePixelRatio; ends[1].y += 9 * devicePixelRatio; }
    for (const { lane, at, y } of ends) {
      ctx.fillStyle = colour(lane);
      ctx.textBaseline = 'middle';
      ctx.textAlign = 'left';
      ctx.fillText(names[lane], Math.min(u.valToPos(data.sizes[at], 'x', true), bbox.left + bbox.width) + 10 * devicePixelRatio, y);
    }
    ctx.restore();
  };
  const read = (data, reading) => (u) => {
    const index = u.cursor.idx;
    reading.textContent = index === null || index === undefined ? '' : sizeText(data.sizes[index]) + ': ' + data.lanes
      .filter((lane) => lane.us[index] !== null)
      .map((lane) => names[lane.lane] + ' ' + timeText(lane.us[index]) + ' (' + timeText(lane.low[index]) + ' .. ' + timeText(lane.high[index]) + ')')
      .join(', ');
  };
  const draw = () => holders.forEach((holder, index) => {
    const data = all[index];
    holder.replaceChildren();
    const known = data.lanes.flatMap((lane) => [...lane.low, ...lane.high]).filter((us) => us !== null);
    if (known.length === 0) return;
    const axis = { stroke: colour('faint'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1 } };
    const x = [data.sizes[0] / 1.5, data.sizes[data.sizes.length - 1] * 1.5];
    const y = [Math.min(...known) / 1.4, Math.max(...known) * 1.4];
    new uPlot({
      width: holder.clientWidth, height: 320, padding: [8, 76, 0, 8],
      legend: { show: false }, cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, distr: 3, log: 2, range: () => x }, y: { distr: 3, log: 10, range: () => y } },
      axes: [
        { ...axis, splits: () => data.sizes, values: (u, splits) => splits.map(sizeText), filter: (u, splits) => splits },
        { ...axis, size: 72, splits: () => decades(y), values: (u, splits) => splits.map(timeText), filter: (u, splits) => splits },
      ],
      series: [{}, ...data.lanes.flatMap(seriesOf)],
      bands: data.lanes.map((lane, at) => ({ series: [3 * at + 3, 3 * at + 2], fill: colour(lane.lane) + '2e' })),
      hooks: { draw: [drawCrossing(data), nameLanes(data)], setCursor: [read(data, readings[index])] },
    }, [data.sizes, ...data.lanes.flatMap((lane) => [lane.us, lane.low, lane.high])], holder);
  });
  draw();
  let width = innerWidth;
  addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
`;
