// What became of a run, in words: each part of its page as a list of elements.

import { age } from "./ages.js";
import { element } from "./elements.js";
import { count, number } from "./numbers.js";
import { counted, say } from "./words.js";

const INCIDENTS = 3;
const FINDINGS = 8;

/** Health, the worst that speaks against it, how far it is, what it is. */
export function verdict(run) {
  const nothing = run.records.train === 0;
  const well = !run.findings.length && run.health === "healthy";
  const told = nothing ? say("nothing_to_judge") : well ? say("all_well") : run.title;
  const changed = run.health_now !== run.health;
  return [
    element(
      "div",
      { class: "line" },
      nothing ? null : badge(run.health, run.health_text),
      told === run.health_text ? null : element("span", { class: "title" }, told),
      changed ? badge(run.health_now, say("by_now", { health: say(`health.${run.health_now}`) })) : null,
    ),
    element("div", { class: "line" }, ...place(run)),
    element("div", { class: "facts" }, ...facts(run)),
  ];
}

/** A word for a run's health, with its colour. */
export function badge(health, text = say(`health.${health}`)) {
  return element("span", { class: `badge ${health}` }, text);
}

/** Progress with its numbers; nothing where nothing is known. */
export function progressElements(step, most, share) {
  if (step === null || step === undefined) return [];
  if (share === null || share === undefined) return [element("small", {}, count(step))];
  return [
    element("progress", { max: 1, value: Math.min(Math.max(share, 0), 1), "aria-label": say("progress") }),
    element("small", {}, `${count(step)} / ${count(most)}`),
  ];
}

function place(run) {
  const dim = (text) => element("span", { class: "dim" }, text);
  const shown = [element("span", {}, run.state_text), ...progressElements(run.last_step, run.max_steps, run.progress)];
  if (run.remaining_seconds !== null) shown.push(dim(say("left_of", { left: age(run.remaining_seconds) })));
  if (run.last_record_timestamp !== null) {
    const [before, after] = say("last_ago").split("{ago}");
    shown.push(element("span", { class: "dim" }, before, element("time", { "data-at": run.last_record_timestamp }), after));
  }
  return shown;
}

function facts(run) {
  const records = [counted("records", run.records.train), counted("evaluations", run.records.eval)];
  const told = [`${run.dialect}, ${run.profile}`, run.info.model, records.join(say("comma"))];
  if (run.best && run.base !== "grpo" && run.best.step !== null) {
    told.push(say("best", { loss: number(run.best.eval_loss), step: run.best.step }));
  }
  for (const resume of run.resumes) told.push(say("resumes") + say("colon") + say("resume", resume));
  return told.filter(Boolean).map((text) => element("span", { class: "wide" }, text));
}

/** Incidents with their chains, and what was found, each with its place in the run. */
export function happened(run, zoomTo) {
  if (!run.findings.length && !run.incidents.length) return [];
  const [first, last] = span(run);
  return [
    element("h2", {}, say("happened")),
    ...folded(run.incidents.map(incidentCard), INCIDENTS, (items) => element("div", {}, ...items)),
    ...folded(
      run.findings.map((finding) => findingItem(finding, run, zoomTo)),
      FINDINGS,
      (items) => element("ol", { class: "findings" }, ...items),
    ),
    element("div", { class: "scale", "aria-hidden": "true" }, element("span", {}, String(first)), element("span", {}, String(last))),
  ];
}

/** The first and the last step of a run; never the same. */
export function span(run) {
  const first = run.first_step ?? 0;
  return [first, Math.max(run.last_step ?? 1, first + 1)];
}

/** The first ones, and the others where somebody wants to see them. */
function folded(items, most, together) {
  if (items.length <= most + 1) return [together(items)];
  const rest = items.slice(most);
  const summary = element("summary", {}, say("more", { n: rest.length }));
  return [together(items.slice(0, most)), element("details", { class: "more" }, summary, together(rest))];
}

function incidentCard(incident) {
  const { onset_step: onset, peak_step: peak, recovery_step: end } = incident;
  const told = [say("incident", { onset })];
  if (peak !== onset) told.push(say("worst_at", { peak }));
  told.push(end === null ? say("lasts") : say(end > peak ? "recovered" : "undone", { end }));
  const checkpoint = `checkpoint-${incident.checkpoint}`;
  return element(
    "div",
    { class: end === null ? "incident" : "incident over" },
    element("h3", {}, incident.collapse ? [badge("critical", say("collapse")), " "] : null, told.join(say("comma"))),
    chain(incident),
    incident.checkpoint === null ? null : element("p", {}, say("back_to", { checkpoint })),
  );
}

function chain(incident) {
  if (!incident.stages.length) return null;
  const items = incident.stages.map(({ stage, step }) =>
    element("li", {}, element("span", {}, element("b", {}, say(`stage.${stage}`)), ` ${say("step", { step })}`)),
  );
  return element("ol", { class: "chain", "aria-label": say("order") }, ...items);
}

function findingItem(finding, run, zoomTo) {
  const head = element(
    "div",
    { class: "line" },
    badge(finding.severity, say(`judged.${finding.severity}`)),
    element("h3", {}, finding.title),
    element("span", { class: "when" }, when(finding)),
  );
  return element("li", {}, head, element("p", {}, finding.text), track(finding, run, zoomTo));
}

function when({ first_step: first, last_step: last, times }) {
  const told = [
    last === null
      ? say("from_on", { first })
      : first === last
        ? say("step", { step: first })
        : say("steps", { first, last }),
  ];
  if (times > 1) told.push(say("times", { n: count(times) }));
  return told.join(say("comma"));
}

/** Where in the run it was; a click shows the place in the charts. */
function track(finding, run, zoomTo) {
  const [first, last] = span(run);
  const end = finding.last_step ?? last;
  const share = (step) => Math.min(Math.max((100 * (step - first)) / (last - first), 0), 100);
  const bar = element("i", { class: finding.severity });
  bar.style.left = `${Math.min(share(finding.first_step), 99.5)}%`;
  bar.style.width = `${Math.max(share(end) - share(finding.first_step), 0.5)}%`;
  return element("button", {
    type: "button",
    class: "track",
    "aria-label": `${say("show_in_charts")}: ${finding.title}`,
    title: say("show_in_charts"),
    "data-first": finding.first_step,
    "data-last": end,
    onclick: ({ currentTarget: { dataset } }) => zoomTo(Number(dataset.first), Number(dataset.last)),
  }, bar);
}

/** The likely causes. */
export function causes(run) {
  if (!run.causes.length) return [];
  const items = run.causes.map((cause) => element("li", {}, cause));
  return [element("h2", {}, say("why")), element("ul", { class: "plain" }, ...items)];
}

/** What to change, with the run's own settings, and all flags together. */
export function actions(run) {
  if (!run.actions.length) return [];
  const flags = new Map(); // of each setting the first that is proposed
  for (const { setting, flag, value } of run.actions.flatMap((action) => action.proposals)) {
    if (flag && value !== null && !flags.has(setting)) flags.set(setting, flag);
  }
  return [
    element("h2", {}, say("to_do")),
    element("ol", { class: "actions" }, ...run.actions.map(actionItem)),
    flags.size ? flagsToCopy([...flags.values()]) : null,
  ];
}

function actionItem(action) {
  const proposals = action.proposals.map(({ change, now }) =>
    element(
      "li",
      {},
      element("code", {}, change),
      now === null ? null : element("small", {}, say("now", { now: written(now) })),
    ),
  );
  return element(
    "li",
    {},
    element("b", {}, action.title),
    proposals.length ? element("ul", { class: "proposals" }, ...proposals) : null,
    element("div", { class: "dim" }, action.how),
  );
}

/** A setting as one would write it. */
export function written(value) {
  return typeof value === "string" ? value : number(value);
}

function flagsToCopy(flags) {
  return element(
    "div",
    { class: "flags" },
    element("pre", { "aria-label": say("flags"), tabindex: "0", role: "group" }, flags.join(" ")),
    element("button", { type: "button", onclick: ({ currentTarget }) => copyFlags(currentTarget) }, say("copy")),
  );
}

/** Into the clipboard; where a browser allows that only on secure sites, the text is marked. */
async function copyFlags(button) {
  const shown = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(shown.textContent);
    button.textContent = say("copied");
    setTimeout(() => (button.textContent = say("copy")), 1500);
  } catch {
    getSelection().selectAllChildren(shown);
  }
}
