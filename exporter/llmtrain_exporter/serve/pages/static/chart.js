// Charts that belong together: one cursor, one zoom.
/* global uPlot */

import { element } from "./elements.js";
import { number } from "./numbers.js";
import { Plot } from "./plot.js";
import { lang, say } from "./words.js";

/** Charts over the same horizontal axis. `zoomed(range)`: told when somebody zooms; null for all. */
export class ChartSet {
  constructor(zoomed = () => {}) {
    this.zoomed = zoomed;
    this.range = null; // [from, to] of the axis, null for all
    this.time = false;
    this.unit = "step"; // what the axis counts where it is no time: steps, or records
    this.x = [];
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

  zoom(range, tell = true) {
    this.range = range;
    for (const plot of this.plots) plot.zoom();
    if (tell) this.zoomed(range);
  }

  get shown() {
    return this.range ?? [this.x[0] ?? 0, this.x.at(-1) ?? 1];
  }

  /** A place on the axis in words. */
  place(x) {
    return this.time ? new Date(x * 1000).toLocaleString(lang) : say(this.unit, { first: number(x) });
  }
}
