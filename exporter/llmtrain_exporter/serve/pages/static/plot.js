// One chart: lines over an axis that it shares with others, a legend, and the keys that move about in it.
/* global uPlot */

import { caption } from "./caption.js";
import { FONT, colour, drawBehind, drawMarks } from "./marks.js";
import { element } from "./elements.js";
import { count, withUnit } from "./numbers.js";
import { ALONG, UP, heights, marks } from "./ticks.js";
import { say } from "./words.js";

const NARROWEST = 1e-9;
const LOG_FROM = 50; // times its median that a positive metric's highest value is shown on a logarithmic scale
const FEW = 40; // points that are drawn as such
const DENSE = 700;

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1];
}

function finite(values) {
  return values.filter((value) => value !== null && value !== undefined);
}

/**
 * One chart. `spec`: id, title, name, names (of its series), meaning, unit, limits [{value, severity}],
 * healthy [low, high], lines. A line:
 * {label, colour, kind: "line" | "smooth" | "points" | "base" | "ghost", values: as many as x, undefined where there is
 * nothing and null where a gap is; `faint`: another one stands for it;
 * `partner`: the label of the line that it comes and goes with;
 * spikes [[x, y]], peaks [[x, y, severity]], odd [[x, word]], hidden}.
 */
export class Plot {
  constructor(set, spec) {
    this.set = set;
    this.chart = null;
    this.hidden = new Set(spec.lines.filter((line) => line.hidden).map((line) => line.label));
    this.opened = false; // the legend's lines that are hidden at first are to be seen
    this.logarithmic = null; // null: as the values suggest
    this.spec = spec;
    this.build();
  }

  build() {
    const { parts, log, pin } = caption(this);
    this.logButton = log;
    this.pinButton = pin;
    this.place = element("div", {
      class: "plot",
      tabindex: "0",
      role: "application",
      "aria-roledescription": say("chart"),
      "aria-describedby": "chart-keys",
      onkeydown: (event) => this.key(event),
      onblur: () => this.chart?.setCursor({ left: -10, top: -10 }),
    });
    this.place.plot = this;
    this.legend = element("ul", { class: "legend" });
    this.missing = element("p", { class: "missing", hidden: true });
    this.figure = element("figure", { class: "chart card" }, ...parts, this.place, this.missing, this.legend);
    this.tell();
    this.showLegend();
  }

  /** A linear scale becomes logarithmic, or the other way round. */
  turnScale() {
    this.logarithmic = !this.isLogarithmic;
    this.rebuild();
  }

  /** New values, and lines perhaps. */
  update(spec) {
    const [shape, was] = [this.shape, this.isLogarithmic];
    this.spec = spec;
    const same = shape === this.shape;
    this.tell();
    if (same && this.chart && was === this.isLogarithmic) {
      this.chart.setData(this.data(), false);
      this.zoom();
      this.showValues(this.chart.cursor.idx);
    } else {
      this.showLegend();
      this.rebuild();
    }
  }

  get shape() {
    return JSON.stringify(this.spec.lines.map((line) => [line.label, line.kind, line.faint]));
  }

  get main() {
    return this.spec.lines.filter((line) => line.kind === "line" || line.kind === "points");
  }

  get isLogarithmic() {
    if (this.logarithmic !== null) return this.logarithmic;
    if (this.set.view.logY) return true;
    const values = this.main.filter((line) => !this.hides(line)).flatMap((line) => finite(line.values));
    if (values.length < 3 || this.spec.unit === "ratio") return false;
    const positive = values.filter((value) => value > 0);
    if (values.some((value) => value < 0) || positive.length < values.length * 0.9) return false;
    return positive.reduce((most, value) => Math.max(most, value), 0) > LOG_FROM * median(positive);
  }

  hides(line) {
    return this.hidden.has(line.label) || this.hidden.has(line.partner);
  }

  get shownLines() {
    return this.spec.lines.filter((line) => !this.hides(line));
  }

  /** Whether there are so many points that lines become bands. */
  get isDense() {
    return this.set.x.length > DENSE;
  }

  data() {
    return [this.set.x, ...this.spec.lines.map((line) => this.positive(line.values))];
  }

  /** A logarithmic scale has no place for 0. */
  positive(values) {
    return this.isLogarithmic ? values.map((value) => (value > 0 ? value : undefined)) : values;
  }

  draw() {
    if (this.chart || !this.place.isConnected || !this.place.clientWidth || !this.set.x.length) return;
    this.chart = new uPlot(this.options(), this.data(), this.place);
    this.set.sync.sub(this.chart);
    this.zoom();
  }

  rebuild() {
    this.logButton.setAttribute("aria-pressed", String(this.isLogarithmic));
    if (!this.chart) return;
    this.drop();
    this.draw();
    this.showLegend();
  }

  drop() {
    if (!this.chart) return;
    this.set.sync.unsub(this.chart);
    this.chart.destroy();
    this.chart = null;
  }

  destroy() {
    this.drop();
    this.set.seen.unobserve(this.place);
    this.set.sized.unobserve(this.place);
  }

  fit() {
    if (!this.chart) this.draw();
    else if (this.place.clientWidth && this.chart.width !== this.place.clientWidth) {
      this.chart.setSize({ width: this.place.clientWidth, height: this.place.clientHeight });
    }
  }

  options() {
    const { unit } = this.spec;
    const font = `11px ${FONT}`;
    const axis = { stroke: colour("tick"), font, ticks: { show: false }, grid: { stroke: colour("grid"), width: 1 } };
    const log = this.isLogarithmic;
    return {
      width: this.place.clientWidth,
      height: this.place.clientHeight,
      legend: { show: false },
      focus: { alpha: 1 },
      cursor: {
        sync: { key: this.set.sync.key, setSeries: false, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        bind: { dblclick: () => () => this.set.zoom(null) },
      },
      scales: { x: { time: this.set.time, distr: this.set.isLogarithmic ? 3 : 1, range: (_, from, to) => [from, to] }, y: { distr: log ? 3 : 1, range: this.span.bind(this) } },
      axes: [
        { ...axis, size: 26, gap: 4, space: 60, ...ALONG[this.set.axis], values: this.set.time ? undefined : (_, splits) => marks(splits, this.set.axis) },
        { ...axis, size: roomFor, gap: 4, ...UP[unit], values: (_, splits) => heights(splits, unit) },
      ],
      series: [{}, ...this.spec.lines.map((line) => this.line(line))],
      hooks: {
        drawClear: [(chart) => drawBehind(chart, this)],
        draw: [(chart) => drawMarks(chart, this)],
        setCursor: [(chart) => this.showValues(chart.cursor.idx)],
        setSelect: [(chart) => this.select(chart)],
      },
    };
  }

  /** The vertical range: of a level line some room on both sides, of all others uPlot's own. */
  span(_chart, low, high) {
    if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) {
      return this.isLogarithmic ? [0.1, 10] : [0, 1];
    }
    if (this.isLogarithmic) return uPlot.rangeLog(low, high, 10, true);
    if (high - low < NARROWEST * Math.abs(high) || high === low) {
      if (high === 0) return [0, 1];
      const room = Math.abs(high) * 0.1;
      return [low - room, high + room];
    }
    return uPlot.rangeNum(low, high, 0.08, true);
  }

  line(line) {
    const stroke = colour(line.colour);
    const known = { label: line.label, stroke, show: !this.hides(line) };
    const points = finite(line.values).length;
    switch (line.kind) {
      case "points":
        return {
          ...known,
          width: line.joined ? 1 : 0,
          dash: [3, 4],
          spanGaps: true,
          points: { show: true, size: 6, fill: colour("surface"), stroke, width: 2 },
        };
      case "base":
        return { ...known, width: this.isDense ? 2 : 1.25, dash: this.isDense ? [] : [5, 4], points: { show: false } };
      case "ghost":
        return { ...known, width: 1, points: { show: false } };
      case "smooth":
        return { ...known, width: 2, points: { show: false } };
      default:
        return { ...known, width: this.isDense || line.faint ? 1 : 1.5, alpha: line.faint ? 0.35 : this.isDense ? 0.55 : 1, points: { show: points <= FEW, size: 4, fill: stroke } };
    }
  }

  zoom() {
    if (!this.chart) return;
    let [min, max] = this.set.shown;
    if (this.set.isLogarithmic) min = Math.max(min, this.set.x[0]);
    this.chart.setScale("x", { min, max: max > min ? max : min + 1 });
    this.tellMissing();
  }

  /** Of what is to be seen, how much a logarithmic scale has no place for. */
  tellMissing() {
    const [from, to] = this.set.shown;
    const seen = (_, at) => this.set.x[at] >= from && this.set.x[at] <= to;
    const values = this.main.filter((line) => !this.hides(line)).flatMap((line) => finite(line.values.filter(seen)));
    const n = values.filter((value) => value <= 0).length;
    this.missing.hidden = !(this.isLogarithmic && n);
    this.missing.textContent = this.missing.hidden ? "" : say("log_missing", { n: count(n), total: count(values.length) });
  }

  select(chart) {
    if (chart.select.width < 4) return;
    const from = chart.posToVal(chart.select.left, "x");
    const to = chart.posToVal(chart.select.left + chart.select.width, "x");
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.set.zoom([from, to]);
  }

  /** What a screen reader says of the chart. */
  tell() {
    const { title, unit } = this.spec;
    const values = this.main.flatMap((line) => finite(line.values));
    const last = this.main.map((line) => finite(line.values).at(-1)).find((value) => value !== undefined);
    const extreme = (choose) => withUnit(values.reduce((best, value) => choose(best, value), values[0]), unit);
    const text = values.length
      ? say("chart_text", { title, n: values.length, low: extreme(Math.min), high: extreme(Math.max), last: withUnit(last, unit) })
      : say("chart_empty", { title });
    this.place.setAttribute("aria-label", text);
  }

  showLegend() {
    const isPinned = this.set.view.pins.has(this.spec.id);
    this.logButton.setAttribute("aria-pressed", String(this.isLogarithmic));
    this.pinButton.setAttribute("aria-pressed", String(isPinned));
    this.pinButton.textContent = isPinned ? "★" : "☆";
    this.values = new Map();
    const items = this.spec.lines
      .filter((line) => !line.partner)
      .map((line) => element("li", { hidden: line.hidden && !this.opened }, this.legendButton(line)));
    const more = items.filter((item) => item.hidden);
    this.legend.replaceChildren(...items, more.length ? element("li", {}, this.moreButton(more)) : "");
    this.showValues(null);
  }

  /** What is not shown at first. */
  moreButton(items) {
    return element("button", {
      type: "button",
      class: "quiet",
      onclick: (event) => {
        this.opened = true;
        for (const item of items) item.hidden = false;
        items[0].firstChild.focus();
        event.target.parentElement.remove();
      },
    }, say("more", { n: items.length }));
  }

  legendButton(line) {
    const swatch = element("span", { class: line.kind === "points" ? "swatch dots" : "swatch" });
    swatch.style.background = `var(--${line.colour})`;
    const value = element("b", {});
    this.values.set(line.label, value);
    return element("button", {
      type: "button",
      "aria-pressed": String(!this.hidden.has(line.label)),
      onclick: (event) => this.toggle(line.label, event.currentTarget),
    }, swatch, element("span", { class: "name" }, line.short ?? line.label), value);
  }

  toggle(label, button) {
    const hide = !this.hidden.has(label);
    button.setAttribute("aria-pressed", String(!hide));
    if (hide) this.hidden.add(label);
    else this.hidden.delete(label);
    this.spec.lines.forEach((line, at) => {
      if (line.label === label || line.partner === label) this.chart?.setSeries(at + 1, { show: !this.hides(line) });
    });
    this.tellMissing();
  }

  /** The values at the cursor, else the last ones. */
  showValues(idx) {
    for (const line of this.spec.lines) {
      const shown = this.values.get(line.label);
      const value = valueAt(line, idx);
      const text = value === undefined ? "" : withUnit(value, this.spec.unit);
      if (shown && shown.textContent !== text) shown.textContent = text;
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.chart) return;
    const [from, to] = this.set.shown;
    const middle = this.cursorX() ?? (from + to) / 2;
    const near = (factor) => [Math.max(middle - (middle - from) * factor, this.set.x[0]), Math.min(middle + (to - middle) * factor, this.set.x.at(-1))];
    const wide = event.shiftKey ? 10 : 1;
    const done = {
      ArrowLeft: () => this.move(-wide),
      ArrowRight: () => this.move(wide),
      Home: () => this.move(-Infinity),
      End: () => this.move(Infinity),
      "+": () => this.set.zoom(near(0.5)),
      "=": () => this.set.zoom(near(0.5)),
      "-": () => this.widen(near(2)),
      0: () => this.set.zoom(null),
      Escape: () => this.set.zoom(null),
    }[event.key];
    if (!done) return;
    event.preventDefault();
    done();
  }

  widen(range) {
    const whole = range[0] <= this.set.x[0] && range[1] >= this.set.x.at(-1);
    this.set.zoom(whole ? null : range);
  }

  cursorX() {
    const idx = this.chart.cursor.idx;
    return idx === null || idx === undefined ? null : this.set.x[idx];
  }

  move(by) {
    const { x } = this.set;
    const [from, to] = this.set.shown;
    const first = x.findIndex((value) => value >= from);
    let last = x.length - 1;
    while (last > first && x[last] > to) last -= 1;
    const idx = this.chart.cursor.idx ?? (by > 0 ? first - 1 : last + 1);
    let next = Math.min(Math.max(idx + by, first), last);
    while (x[next] === x[idx] && next > first && next < last) next += Math.sign(by); // several at one place
    this.chart.setCursor({ left: this.chart.valToPos(x[next], "x"), top: this.chart.height / 2 });
    const told = this.shownLines
      .filter((line) => valueAt(line, next) !== undefined)
      .map((line) => `${line.label} ${withUnit(valueAt(line, next), this.spec.unit)}`);
    this.set.spoken.textContent = `${this.set.place(x[next])}: ${told.join(", ")}`;
  }
}

/** The value of a line at a place or the last one before it; of all when there is no place. */
function valueAt(line, idx) {
  for (let at = idx ?? line.values.length - 1; at >= 0; at -= 1) {
    if (line.values[at] !== undefined && line.values[at] !== null) return line.values[at];
  }
  return undefined;
}

/** The width of a vertical axis whose longest word still fits. */
function roomFor(_chart, words) {
  return 14 + 6.5 * (words ?? []).reduce((most, word) => Math.max(most, word.length), 4);
}
