// What is drawn into a chart besides its lines. Positions are the canvas's own: CSS pixels times their ratio.

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

const style = getComputedStyle(document.documentElement);

/** A colour of the style sheet as it is now. */
export function colour(name) {
  return style.getPropertyValue(`--${name}`).trim();
}

/** The colour of the nth line. */
export function lineColour(at) {
  return `s${(at % 8) + 1}`;
}

function severityColour(severity) {
  return colour({ critical: "broken", warning: "watch" }[severity] ?? "info");
}

/** Draws within the frame of a chart, `room` CSS pixels beyond it at the most. */
function inside({ ctx, bbox }, room, draw) {
  const ratio = devicePixelRatio;
  const beyond = room * ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - beyond, bbox.top - beyond, bbox.width + 2 * beyond, bbox.height + 2 * beyond);
  ctx.clip();
  ctx.setLineDash([]);
  draw(ctx, bbox, ratio);
  ctx.restore();
}

function drawLine(ctx, left, top, right, bottom) {
  ctx.beginPath();
  ctx.moveTo(left, top);
  ctx.lineTo(right, bottom);
  ctx.stroke();
}

/** Incidents, resumes and what a guard did, which concern all charts of a set, the limits, the healthy range. */
export function drawBehind(chart, { set: { backdrop }, spec, isLogarithmic }) {
  const across = (value) => chart.valToPos(value, "x", true);
  const up = (value) => chart.valToPos(value, "y", true);
  drawHealthy(chart, spec.healthy ?? [null, null], isLogarithmic);
  inside(chart, 0, (ctx, { left, top, width, height }, ratio) => {
    ctx.fillStyle = colour("band");
    for (const [from, to] of backdrop.spans) {
      ctx.fillRect(across(from), top, Math.max(across(to) - across(from), 2 * ratio), height);
    }
    ctx.strokeStyle = colour("info");
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    for (const x of backdrop.lines) drawLine(ctx, across(x), top, across(x), top + height);
    ctx.strokeStyle = colour("healthy");
    ctx.setLineDash([5 * ratio, 2 * ratio]);
    for (const x of backdrop.acts) drawLine(ctx, across(x), top, across(x), top + height);
    ctx.setLineDash([6 * ratio, 3 * ratio]);
    for (const { value, severity } of spec.limits ?? []) {
      ctx.strokeStyle = severityColour(severity);
      drawLine(ctx, left, up(value), left + width, up(value));
    }
  });
}

/** A strip along the vertical axis. */
function drawHealthy(chart, [low, high], isLogarithmic) {
  if (low === null && high === null) return;
  const { ctx, bbox } = chart;
  const up = (value) => chart.valToPos(value, "y", true);
  const bottom = bbox.top + bbox.height;
  const top = high === null ? bbox.top : Math.max(up(high), bbox.top);
  const end = low === null || (isLogarithmic && low <= 0) ? bottom : Math.min(up(low), bottom);
  const width = 4 * devicePixelRatio;
  ctx.fillStyle = colour("fine");
  if (end > top) ctx.fillRect(bbox.left - width, top, width, end - top);
}

/** Spikes, the peaks of signals, values that are no numbers. */
export function drawMarks(chart, { shownLines, isLogarithmic }) {
  const shown = ([, y]) => !isLogarithmic || y > 0; // a logarithmic scale has no place for 0
  inside(chart, 7, () => {
    for (const line of shownLines) {
      for (const [x, y] of (line.spikes ?? []).filter(shown)) drawSpike(chart, x, y);
      for (const [x, y, severity] of (line.peaks ?? []).filter(shown)) drawPeak(chart, x, y, severity);
      for (const [x, word] of line.odd ?? []) drawOdd(chart, x, word);
    }
  });
}

function drawSpike(chart, x, y) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const at = chart.valToPos(x, "x", true);
  const tip = Math.max(chart.valToPos(y, "y", true) - 4 * ratio, bbox.top + 7 * ratio);
  ctx.fillStyle = colour("broken");
  ctx.beginPath();
  ctx.moveTo(at, tip);
  ctx.lineTo(at - 4 * ratio, tip - 7 * ratio);
  ctx.lineTo(at + 4 * ratio, tip - 7 * ratio);
  ctx.fill();
}

function drawPeak(chart, x, y, severity) {
  const { ctx } = chart;
  const ratio = devicePixelRatio;
  ctx.strokeStyle = severityColour(severity);
  ctx.lineWidth = 2 * ratio;
  ctx.beginPath();
  ctx.arc(chart.valToPos(x, "x", true), chart.valToPos(y, "y", true), 5 * ratio, 0, 2 * Math.PI);
  ctx.stroke();
}

function drawOdd(chart, x, word) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const at = chart.valToPos(x, "x", true);
  ctx.fillStyle = ctx.strokeStyle = colour("broken");
  ctx.lineWidth = ratio;
  drawLine(ctx, at, bbox.top, at, bbox.top + bbox.height);
  ctx.font = `bold ${10 * ratio}px ${FONT}`;
  ctx.textAlign = at > bbox.left + bbox.width - 30 * ratio ? "right" : "left";
  ctx.fillText(` ${word} `, at, bbox.top + bbox.height - 4 * ratio);
}
