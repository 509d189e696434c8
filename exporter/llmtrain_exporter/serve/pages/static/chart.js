// Charts that belong together: one cursor, one zoom.
/* global uPlot */

import { element } from "./elements.js";
import { duration, number } from "./numbers.js";
import { Plot } from "./plot.js";
import { lang, say } from "./words.js";

/**
 * Charts over the same horizontal axis, as `view` has them. `zoomed(range)`: told when somebody zooms, null for all;
 * `pin(id)`: told when somebody pins a chart, or no longer; `histories()`: [name, history] of all that is drawn.
 */
export class ChartSet {
  constructor(view, { zoomed, pin, histories }) {
    this.view = view;
    this.zoomed = zoomed;
    this.pin = pin;
    this.histories = histories;
    this.axis = "step";
    this.isLogarithmic = false; // the horizontal axis
    this.unit = "step"; // what steps count: steps, or records
    this.x = [];
    this.whole = [0, 1]; // the first and the last place of all that there is, zoomed into or not
    this.placeless = 0; // records that a logarithmic axis has no place for
    this.backdrop = { spans: [], lines: [], acts: [] }; // incidents, resumes, what a guard did
    this.plots = [];
    this.sync = uPlot.sync("charts");
    this.spoken = element("p", { class: "skip", "aria-live": "polite" });
    document.body.append(this.spoken);
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) entry.target.plot.draw();
    }, { rootMargin: "400px" });
    this.sized = new ResizeObserver((entries) => {
      for (const entry of entries) entry.target.plot.fit();
    });
    document.addEventListener("theme", () => this.redraw());
  }

  /** A chart; its element is `.figure`. */
  add(spec) {
    const plot = new Plot(this, spec);
    this.plots.push(plot);
    this.seen.observe(plot.place);
    this.sized.observe(plot.place);
    return plot;
  }

  /** Throw all charts away. */
  clear() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
  }

  /** Draw all that is drawn anew. */
  redraw() {
    for (const plot of this.plots) plot.rebuild();
  }

  zoom(range) {
    this.view.range = range;
    for (const plot of this.plots) plot.zoom();
    this.zoomed(range);
  }

  get time() {
    return this.axis === "time";
  }

  /** What is to be seen: no more than there is. */
  get shown() {
    const [first, last] = this.whole;
    const [from, to] = this.view.range ?? this.whole;
    return [Math.max(from, first), Math.min(to, last)];
  }

  /** A place on the axis in words. */
  place(x) {
    if (this.time) return new Date(x * 1000).toLocaleString(lang);
    if (this.axis === "step") return say(this.unit, { first: number(x) });
    return `${say(`over_${this.axis}`)} ${this.mark(x)}`;
  }

  /** The same as short as it stands at the axis. */
  mark(x) {
    return this.axis === "elapsed" ? duration(x) : number(x);
  }
}
