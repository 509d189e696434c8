// A run's metrics with what they mean, its settings, and the other facts of its log.

import { element } from "./elements.js";
import { count } from "./numbers.js";
import { badge, written } from "./told.js";
import { say } from "./words.js";

let all = false; // whether every metric is to be seen

/** The table of metrics: those that matter, and all others where somebody wants to see them. */
export function metrics(run, changed) {
  if (!run.rows.length) return [];
  const main = run.rows.filter((row) => row.main || !["", "fine"].includes(row.judged));
  const shown = all ? run.rows : main;
  const heads = ["metric", "value", "healthy", "judged", "meaning"].map((word) => element("th", { scope: "col" }, say(word)));
  const toggle = element("button", {
    type: "button",
    class: "quiet",
    "aria-pressed": String(all),
    onclick: () => {
      all = !all;
      changed();
    },
  }, say("all_metrics", { n: run.rows.length }));
  return [
    element("div", { class: "heading" }, element("h2", {}, say("metric_table")), main.length < run.rows.length ? toggle : null),
    element(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": say("metric_table") },
      element("table", { class: "table" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...metricRows(shown))),
    ),
  ];
}

/** What stands in the row above already is not said again. */
function metricRows(rows) {
  return rows.flatMap((row, at) => {
    const before = rows[at - 1];
    const group = element("tr", { class: "group-row" }, element("th", { colspan: 5, scope: "rowgroup" }, row.group));
    return [before?.group === row.group ? null : group, metricRow(row, before?.meaning === row.meaning)].filter(Boolean);
  });
}

function metricRow(row, said) {
  const good = { up: say("good_up"), down: say("good_down") }[row.good];
  const meaning = said ? [] : [[row.meaning, row.note].filter(Boolean).join(" "), good ? element("small", {}, ` (${good})`) : null];
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, row.name),
    element("td", { class: "number" }, row.value),
    element("td", { class: "number" }, row.healthy),
    element("td", {}, row.judged ? badge(row.judged, row.judged_text) : ""),
    element("td", { class: "long" }, ...meaning),
  );
}

/** Where the log is, what was not read in it, and with which settings the run goes. */
export function details(run) {
  const settings = [...Object.entries(run.info), ...Object.entries(run.settings)].map(([key, value]) => [key, written(value)]);
  const skipped = Object.entries(run.skipped_lines).map(([reason, lines]) => `${count(lines)} x ${reason}`);
  const known = [
    [say("log_file"), run.file],
    [say("producer"), run.dialect],
    [say("profile"), run.profile],
    [say("resumes"), run.resumes.map((resume) => say("resume", resume)).join("; ") || say("none")],
    [say("skipped"), skipped.join(", ") || say("none")],
  ];
  return [
    element("h2", {}, say("details")),
    pairs(known),
    ...(settings.length ? [element("h2", { class: "later" }, say("settings")), pairs(settings)] : []),
  ];
}

function pairs(entries) {
  const items = entries.map(([key, value]) => element("div", {}, element("dt", {}, key), element("dd", {}, value)));
  return element("dl", { class: "pairs" }, ...items);
}
