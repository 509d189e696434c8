// What can be taken from charts: their values as CSV, one of them as a picture.

import { FONT, colour } from "./marks.js";
import { api, ask } from "./poll.js";

const MOST = 20000; // rows that the exporter gives at once
const HEAD = 30; // CSS pixels above a picture's chart
const LINE = 18; // and for each line of its legend

/** A history with all its rows, as far as the exporter gives them at once. */
async function whole(run, history) {
  return history.exact ? history : (await ask(api("history", { run, points: MOST }))).content;
}

/** The values of these series, of each record and evaluation that has any. `runs`: [name, history] of each. */
export async function saveCsv(title, runs, names) {
  const known = await Promise.all(runs.map(async ([run, history]) => [run, await whole(run, history)]));
  const axes = [...new Set(known.flatMap(([, history]) => Object.keys(history.axes)))];
  const counting = new Set(known.flatMap(([, history]) => Object.values(history.axes)));
  const others = names.filter((name) => !counting.has(name)); // these stand in columns of their own already
  const head = ["run", "step", "time", ...axes, ...others];
  const rows = known.flatMap(([run, history]) =>
    [history, history.evaluations].flatMap((table) => rowsOf(run, table, axes.map((axis) => history.axes[axis]), others, names)),
  );
  const thinned = known.every(([, history]) => history.exact) ? "" : "-thinned";
  const text = [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  save(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }), `${title}${thinned}.csv`);
}

/** `wanted`: a row that has none of these is left out. */
function rowsOf(run, table, axes, names, wanted) {
  const values = (name) => table.series.find((one) => one.name === name)?.values ?? [];
  const [named, asked, counted] = [names, wanted, axes].map((some) => some.map(values));
  return table.steps.flatMap((step, row) => {
    const at = (all) => all[row];
    const time = table.times && new Date(table.times[row] * 1000).toISOString();
    const isThere = (value) => value !== null && value !== undefined;
    return asked.map(at).some(isThere) ? [[run, step, time, ...counted.map(at), ...named.map(at)]] : [];
  });
}

/** A cell of a table: names come from logs, and none of them is to be a formula. */
export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  return `"${value.replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;
}

/** A chart as it is drawn, with its title and its legend. */
export function savePng({ chart, spec, shownLines }) {
  const drawn = chart.ctx.canvas;
  const ratio = devicePixelRatio;
  const legend = shownLines.filter((line) => !line.partner);
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width;
  canvas.height = drawn.height + (HEAD + LINE * legend.length) * ratio;
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(drawn, 0, HEAD * ratio);
  pen.scale(ratio, ratio);
  write(pen, spec.title, 8, 20, `600 14px ${FONT}`, "text");
  legend.forEach((line, at) => {
    const y = drawn.height / ratio + HEAD + LINE * at + 12;
    pen.fillStyle = colour(line.colour);
    pen.fillRect(8, y - 6, 14, 3);
    write(pen, line.short ?? line.label, 28, y, `12px ${FONT}`, "text");
  });
  canvas.toBlob((picture) => save(picture, `${spec.title}.png`));
}

function write(pen, text, x, y, font, ink) {
  pen.font = font;
  pen.fillStyle = colour(ink);
  pen.fillText(text, x, y);
}

function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
