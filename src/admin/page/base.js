// What all parts of the page use: elements, and figures as people read them. All text goes through `textContent`.

/** Where the admin service is mounted, whether the address ends in a slash or not. */
const BASE = location.pathname.replace(/\/*$/, "/");

const $ = (id) => document.getElementById(id);

function put(node, text) {
  const target = typeof node === "string" ? $(node) : node;
  if (target.textContent !== text) target.textContent = text;
}

/** An element with properties and children; strings become text. */
function el(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/**
 * Brings a table's body to these rows. A cell is a text, or `{ text, mark }` with a class, or `{ node }`. What has not
 * changed is left alone, so that text can be selected and focus stays.
 */
function fill(table, rows) {
  const labels = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? body.insertRow();
    cells.forEach((cell, n) => {
      const { text = "", mark = "", node } = typeof cell === "object" ? cell : { text: cell };
      let place = row.cells[n];
      if (!place) {
        place = el(n ? "td" : "th", n ? {} : { scope: "row" });
        if (n && labels[n]) place.dataset.label = labels[n];
        row.append(place);
      }
      if (place.className !== mark) place.className = mark;
      if (node) place.replaceChildren(node);
      else put(place, text);
    });
  });
}

const NONE = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

const count = (n) => whole.format(n ?? 0);
const rate = (n) => (n === null ? NONE : (n < 9.95 ? tenths : whole).format(n));

/** Rounded down: what is not all is never shown as 100 %. */
const percent = (part) => (part == null ? NONE : part === 1 ? "100 %" : `${tenths.format(Math.floor(part * 1000) / 10)} %`);

function span(seconds) {
  if (seconds == null) return NONE;
  if (seconds === 0) return "0 s";
  if (seconds < 1e-3) return `${count(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds < 0.01 ? tenths : whole).format(seconds * 1e3)} ms`;
  if (seconds < 10) return `${tenths.format(seconds)} s`;
  if (seconds < 90) return `${count(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function bytes(n) {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (n >= size) return `${tenths.format(n / size)} ${unit}`;
  }
  return `${count(n)} B`;
}

const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
const clock = (text) => {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? NONE : at.toLocaleTimeString();
};
