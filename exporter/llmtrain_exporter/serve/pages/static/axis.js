// What the rows of a run are drawn over.

/** The axes that a history has, in the order in which they are offered. `times`: what a time is counted as. */
export function axesOf(history, times) {
  return ["step", ...Object.keys(history.axes), ...(history.times ? [times] : [])];
}

/** Where each row of a table of a history stands; null where the log does not say. */
export function over(history, table, axis) {
  if (axis === "step") return table.steps;
  if (axis === "time") return table.times ?? [];
  if (axis === "elapsed") return (table.times ?? []).map((time) => time - history.times[0]);
  if (!(axis in history.axes)) return [];
  const counted = table.series.find((one) => one.name === history.axes[axis]);
  return counted || table === history ? counted?.values ?? [] : table.steps.map((step) => placeOf(history, axis, step));
}

/** Where on an axis a step is: where the first record from it on stands, or the last one. */
export function placeOf(history, axis, step) {
  if (axis === "step") return step;
  const places = over(history, history, axis);
  const at = places.findIndex((place, row) => place !== null && history.steps[row] >= step);
  return at === -1 ? places.findLast((place) => place !== null) ?? null : places[at];
}

/** The step at a place on an axis. */
export function stepAt(history, axis, place) {
  const at = over(history, history, axis).findIndex((known) => known !== null && known >= place);
  return history.steps[at === -1 ? history.steps.length - 1 : at];
}

/** The rows of a table that are drawn: those that stand, and those that a resume took again. */
function placed(history, table, axis, isDrawn) {
  const old = new Set(axis === "time" || axis === "elapsed" ? [] : table.superseded);
  const rows = over(history, table, axis).map((x, row) => ({ x, row })).filter(({ x }) => x !== null && x !== undefined && isDrawn(x));
  const rising = (some) => numbered(some.sort((one, other) => one.x - other.x));
  return { live: rising(rows.filter(({ row }) => !old.has(row))), old: rising(rows.filter(({ row }) => old.has(row))) };
}

/** Rows at the same place one after the other: a trainer that rounds its epochs has many of them. */
function numbered(rows) {
  let nth = 0;
  return rows.map((row, at) => {
    nth = at && rows[at - 1].x === row.x ? nth + 1 : 0;
    return { ...row, key: nth ? `${row.x} ${nth}` : row.x, nth };
  });
}

/** The axis that all rows of some tables share, and where on it each row stands. */
export class Axis {
  /** `tables`: [history, table] of each. A logarithmic one has no place for 0. */
  constructor(tables, axis, isLogarithmic = false) {
    this.rows = tables.map(([history, table]) => placed(history, table, axis, (x) => !isLogarithmic || x > 0));
    const all = new Map(this.rows.flatMap(({ live, old }) => [...live, ...old].map((row) => [row.key, row])));
    const places = [...all.values()].sort((one, other) => one.x - other.x || one.nth - other.nth);
    this.x = places.map(({ x }) => x);
    this.index = new Map(places.map(({ key }, at) => [key, at]));
    const known = tables.flatMap(([history, table]) => over(history, table, axis));
    this.placeless = isLogarithmic ? known.filter((x) => x !== null && x !== undefined && x <= 0).length : 0;
  }

  /** The first and the last place. */
  get ends() {
    return [this.x[0] ?? 0, this.x.at(-1) ?? 1];
  }

  /** The values of a table's series along the axis; null makes a gap where the log says that it is no number. */
  spread(table, values, which = "live", gaps = []) {
    const spread = new Array(this.x.length).fill(undefined);
    for (const { key, row } of this.rows[table][which]) {
      const value = values[row];
      const at = this.index.get(key);
      if (value !== null && value !== undefined) spread[at] = value;
      else if (gaps.length && spread[at] === undefined) spread[at] = null;
    }
    return spread;
  }
}
