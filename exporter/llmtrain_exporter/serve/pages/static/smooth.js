// Exponential smoothing: the average of all values so far, in which each weighs less than the one behind it.

import { say } from "./words.js";

/** Lines with their averages in front of them. `weight`: of what was before, from 0 (none) to below 1. */
export function smoothed(lines, weight) {
  if (!weight) return lines;
  return lines.flatMap((line) => (line.kind === "line" ? [{ ...line, faint: true }, average(line, weight)] : [line]));
}

function average({ label, colour, values }, weight) {
  return { label: `${label}: ${say("smoothed")}`, partner: label, colour, kind: "smooth", values: averages(values, weight) };
}

/** The average at each value; where there is none, none. Not drawn to 0 at the start: the weights sum up to 1. */
export function averages(values, weight) {
  let sum = 0;
  let weights = 0;
  return values.map((value) => {
    if (value === null || value === undefined) return value;
    sum = sum * weight + value * (1 - weight);
    weights = weights * weight + (1 - weight);
    return sum / weights;
  });
}
