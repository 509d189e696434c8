// A history as lines over one horizontal axis.

import { over, placeOf } from "./axis.js";
import { lineColour } from "./marks.js";
import { say } from "./words.js";

const HIDDEN_PARTS = /(^|_)(min|max)( \(eval\))?$/; // extremes of what has a mean too
const MOST_SHOWN = 8;

function named(list, name) {
  return list.find((one) => one.name === name);
}

function label(name, base) {
  const rest = name.startsWith(`${base} `) ? name.slice(base.length + 1) : name;
  return rest || name;
}

/** The lines of one chart of a run. `which`: what `axis` counts; `peaks`: of signals, by the name of a series. */
export function linesOf(chart, history, axis, which, peaks) {
  const names = chart.series.filter((name) => named(history.series, name));
  const evaluated = chart.series.filter((name) => named(history.evaluations.series, name));
  const single = names.length <= 1;
  const lines = names.flatMap((name, at) => trainingLines(chart, name, at, single, history, axis, which, peaks));
  const colours = new Map(names.map((name, at) => [name, lineColour(at)]));
  for (const name of evaluated) {
    const one = named(history.evaluations.series, name);
    const partner = name.replace(/ \(eval\)$/, "");
    lines.push({
      label: name,
      short: single ? say("evaluation") : label(name, chart.name),
      colour: single || !colours.has(partner) ? "s2" : colours.get(partner),
      kind: "points",
      joined: single,
      values: axis.spread(1, one.values),
      hidden: !single && (HIDDEN_PARTS.test(name) || names.indexOf(partner) >= MOST_SHOWN),
      odd: odd(one, history, which),
    });
  }
  return lines;
}

function trainingLines(chart, name, at, single, history, axis, which, peaks) {
  const one = named(history.series, name);
  const xs = over(history, history, which);
  const lines = [{
    label: name,
    short: label(name, chart.name),
    colour: lineColour(at),
    kind: "line",
    values: axis.spread(0, one.values, "live", one.non_finite),
    hidden: !single && (at >= MOST_SHOWN || (HIDDEN_PARTS.test(name) && chart.unit === "ratio")),
    spikes: one.spikes.map((row) => [xs[row], one.values[row]]).filter(([x, y]) => x !== null && y !== null),
    peaks: onTheLine(peaks.get(name) ?? [], one.values),
    odd: odd(one, history, which),
  }];
  const main = single || name.endsWith(" mean");
  if (one.baseline && main) {
    lines.push({
      label: `${name}: ${say("own_level")}`,
      short: say("own_level"),
      colour: "base",
      kind: "base",
      values: axis.spread(0, one.baseline),
    });
  }
  if (main && axis.rows[0].old.length) {
    lines.push({
      label: `${name}: ${say("before_resume")}`,
      short: say("before_resume"),
      colour: "ghost",
      kind: "ghost",
      values: axis.spread(0, one.values, "old"),
    });
  }
  return lines;
}

/** A signal that counts something else has its peak not on the line of the metric that it is about. */
function onTheLine(peaks, values) {
  if (!peaks.length) return peaks;
  const known = new Set(values);
  return peaks.filter(([, y]) => known.has(y));
}

function odd(one, history, which) {
  return one.non_finite.flatMap(({ from, to, value }) =>
    [...new Set([from, to])].map((step) => [placeOf(history, which, step), value]),
  );
}

/** The limits and the healthy range of a chart: those of its first series that has any. */
export function rangesOf(chart, history) {
  const known = chart.series
    .map((name) => named(history.series, name) ?? named(history.evaluations.series, name))
    .filter(Boolean);
  const limited = known.find((one) => Object.keys(one.limits).length);
  const healthy = known.find((one) => one.healthy[0] !== null || one.healthy[1] !== null);
  return {
    limits: Object.entries(limited?.limits ?? {}).map(([severity, value]) => ({ severity, value })),
    healthy: healthy?.healthy ?? [null, null],
  };
}
