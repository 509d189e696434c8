// A history as lines over one horizontal axis.

import { lineColour } from "./marks.js";
import { say } from "./words.js";

const HIDDEN_PARTS = /(^|_)(min|max)( \(eval\))?$/; // extremes of what has a mean too
const MOST_SHOWN = 8;

/** The rows of a table that are drawn: [their places, their x, what a resume took again]. */
function places(table, time) {
  const old = new Set(time ? [] : table.superseded);
  const known = time ? table.times : table.steps;
  const rows = known.map((x, row) => ({ x, row }));
  const rising = (one, other) => one.x - other.x;
  return {
    live: rows.filter(({ row }) => !old.has(row)).sort(rising),
    old: rows.filter(({ row }) => old.has(row)).sort(rising),
  };
}

/** The axis that all rows of some tables share, and where on it each row stands. */
export class Axis {
  constructor(tables, time) {
    this.time = time;
    this.rows = tables.map((table) => places(table, time));
    const all = this.rows.flatMap(({ live, old }) => [...live, ...old].map(({ x }) => x));
    this.x = [...new Set(all)].sort((one, other) => one - other);
    this.index = new Map(this.x.map((x, at) => [x, at]));
  }

  /** The values of a table's series along the axis; null makes a gap where the log says that it is no number. */
  spread(table, values, which = "live", gaps = []) {
    const spread = new Array(this.x.length).fill(undefined);
    for (const { x, row } of this.rows[table][which]) {
      const value = values[row];
      const at = this.index.get(x);
      if (value !== null && value !== undefined) spread[at] = value;
      else if (gaps.length && spread[at] === undefined) spread[at] = null;
    }
    return spread;
  }
}

/** Where on the axis a step is: itself, or the time of the first record from it on. */
export function placeOf(history, time, step) {
  if (!time) return step;
  const at = history.steps.findIndex((known) => known >= step);
  return history.times[at === -1 ? history.times.length - 1 : at];
}

function named(list, name) {
  return list.find((one) => one.name === name);
}

function label(name, base) {
  const rest = name.startsWith(`${base} `) ? name.slice(base.length + 1) : name;
  return rest || name;
}

/** The lines of one chart of a run. `peaks`: of its signals, by the name of a series. */
export function linesOf(chart, history, axis, peaks) {
  const names = chart.series.filter((name) => named(history.series, name));
  const evaluated = chart.series.filter((name) => named(history.evaluations.series, name));
  const single = names.length <= 1;
  const lines = names.flatMap((name, at) => trainingLines(chart, name, at, single, history, axis, peaks));
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
      odd: odd(one, history, axis),
    });
  }
  return lines;
}

function trainingLines(chart, name, at, single, history, axis, peaks) {
  const one = named(history.series, name);
  const xs = axis.time ? history.times : history.steps;
  const lines = [{
    label: name,
    short: label(name, chart.name),
    colour: lineColour(at),
    kind: "line",
    values: axis.spread(0, one.values, "live", one.non_finite),
    hidden: !single && (at >= MOST_SHOWN || (HIDDEN_PARTS.test(name) && chart.unit === "ratio")),
    spikes: one.spikes.map((row) => [xs[row], one.values[row]]).filter(([, y]) => y !== null),
    peaks: onTheLine(peaks.get(name) ?? [], one.values),
    odd: odd(one, history, axis),
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

function odd(one, history, axis) {
  return one.non_finite.flatMap(({ from, to, value }) =>
    [...new Set([from, to])].map((step) => [placeOf(history, axis.time, step), value]),
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
