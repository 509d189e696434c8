// What somebody has chosen of the charts. It stands in the address, so that a link shows the same.

/** What charts can be drawn over; "elapsed" is the time since a run's first record. */
export const AXES = ["step", "epoch", "tokens", "time", "elapsed"];

export const SMOOTHEST = 0.99;
const KEPT_AFTER = 150; // milliseconds: browsers refuse an address that changes with every move of the mouse
const OWN = ["x", "smooth", "log", "filter", "pin", "only", "zoom"];

/** The choice; what makes no sense in an address is as if it were not there. */
export class View {
  constructor() {
    const given = new URLSearchParams(location.search);
    const log = given.get("log") ?? "";
    this.x = AXES.includes(given.get("x")) ? given.get("x") : "step";
    this.smooth = Math.min(Math.max(Number(given.get("smooth")) || 0, 0), SMOOTHEST);
    this.logX = log.includes("x");
    this.logY = log.includes("y");
    this.filter = given.get("filter") ?? "";
    this.pins = new Set(given.getAll("pin"));
    this.only = given.has("only"); // what is pinned
    this.range = rangeOf(given.get("zoom")); // [from, to] of the axis, null for all
    this.timer = 0;
  }

  pin(id) {
    if (!this.pins.delete(id)) this.pins.add(id);
  }

  /** Write it into the address, and into the link to the other language. */
  keep() {
    for (const link of document.querySelectorAll("a[rel=alternate]")) {
      link.setAttribute("href", this.address(new URL(link.href).search));
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(null, "", this.address(location.search)), KEPT_AFTER);
  }

  address(search) {
    const pairs = new URLSearchParams(search);
    for (const name of OWN) pairs.delete(name);
    const chosen = [
      ["x", this.x === "step" ? "" : this.x],
      ["smooth", this.smooth || ""],
      ["log", `${this.logX ? "x" : ""}${this.logY ? "y" : ""}`],
      ["filter", this.filter],
      ...[...this.pins].map((id) => ["pin", id]),
      ["only", this.only ? "pinned" : ""],
      ["zoom", this.range ? this.range.join("_") : ""],
    ];
    for (const [name, value] of chosen) if (value !== "") pairs.append(name, value);
    return `?${pairs}`;
  }
}

function rangeOf(text) {
  const [from, to, ...more] = (text ?? "").split("_").map((part) => (part === "" ? NaN : Number(part)));
  return Number.isFinite(from) && Number.isFinite(to) && from < to && !more.length ? [from, to] : null;
}
