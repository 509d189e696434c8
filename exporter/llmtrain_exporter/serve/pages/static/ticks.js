// What stands at the axes of charts: at which values, and how they are written.

import { duration, number, withUnit } from "./numbers.js";

const MOST_DIGITS = 15;
const MOST_PARTS = 4; // of a length of time: days, hours, minutes, seconds

const steps = (from, to, digits) => Array.from({ length: to - from }, (_, at) => digits.map((digit) => Number(`${digit}e${from + at}`))).flat();
const doubled = (first, count) => Array.from({ length: count }, (_, at) => first * 2 ** at);

const WHOLE = steps(0, 16, [1, 2, 5]);
const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, ...doubled(86400, 40)];

/** How far apart they are on a horizontal axis; of what is counted there are no halves. */
export const ALONG = { elapsed: { space: 90, incrs: CLOCK }, step: { incrs: WHOLE }, tokens: { incrs: WHOLE } };

/** The same on a vertical axis, by its unit: what is even in hours or GiB is odd in tens. */
export const UP = { seconds: { incrs: [...steps(-12, 0, [1, 2, 5]), ...CLOCK] }, bytes: { incrs: doubled(1, 80) } };

/** Numbers with ever more digits than they have anywhere else. */
const FINER = range(5, MOST_DIGITS).map((digits) => (value) => String(Number(value.toPrecision(digits))));

/** Places on an axis that is written as `mark` does it, with more where that does not tell them apart. */
export function marks(values, axis) {
  const ways = axis === "elapsed" ? range(2, MOST_PARTS).map((parts) => (value) => duration(value, parts)) : [number];
  return apart(values, [...ways, ...FINER]);
}

/** Values with their unit. */
export function heights(values, unit) {
  return apart(values, [number, ...FINER].map((write) => (value) => withUnit(value, unit, write)));
}

/** The values in the first of these ways in which no two are the same; uPlot leaves some out, as null. */
function apart(values, ways) {
  const there = values.filter((value) => value !== null);
  const way = ways.find((write) => new Set(there.map((value) => write(value))).size === there.length) ?? ways.at(-1);
  return values.map((value) => (value === null ? "" : way(value)));
}

function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
