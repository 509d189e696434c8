// Values of charts as everything else in the program writes them.

import { say } from "./words.js";

/** Four significant digits at the most, whole from 10,000 on: what `number` in `knowledge/numerals.py` writes. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const whole = String(evenly(value));
  if (/^-?\d{5,6}$/.test(whole)) return whole;
  const text = rounded(value);
  const power = Number(text.split("e")[1]);
  return power >= -4 && power < 4 ? String(Number(text)) : text.replace(/\.?0+e/, "e").replace("e+", "e");
}

/** A whole number. What lies in the very middle goes to the even one. */
function evenly(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below & 1) : Math.round(value);
}

/** Four digits and a power of ten. What lies in the very middle goes to the even digit, not always up. */
function rounded(value) {
  const [, even, power] = /^(-?\d\.\d\d[02468])50*(e.*)$/.exec(value.toExponential(60)) ?? [];
  return even ? even + power : value.toExponential(3);
}

const SIZES = {
  bytes: [[2 ** 30, "GiB"], [2 ** 20, "MiB"]],
  seconds: [[86400, "d"], [3600, "h"], [60, "min"]],
};

/** A value with its unit, as short as it can be. `write`: how its number is written. */
export function withUnit(value, unit, write = number) {
  if (value === null || value === undefined) return "–";
  const [size, name] = (SIZES[unit] ?? []).find(([size]) => Math.abs(value) >= size) ?? [1, { bytes: "B", seconds: "s" }[unit]];
  return name ? `${write(value / size)} ${name}` : write(value);
}

const LENGTHS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** A length of time in its two largest units, or in more: "45 s", "3 min 20 s". */
export function duration(seconds, most = 2) {
  if (seconds < 60) return `${number(seconds)} ${say("unit.s")}`;
  let left = Math.round(seconds);
  const at = LENGTHS.findIndex(([size]) => left >= size);
  const parts = LENGTHS.slice(at, at + most).map(([size, unit]) => {
    const whole = Math.floor(left / size);
    left -= whole * size;
    return whole ? `${whole} ${say(`unit.${unit}`)}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

/** A whole number with its thousands apart. */
export function count(value) {
  return value.toLocaleString("en-US");
}
