// What a page does with JavaScript: draws its charts, sorts and filters its table. Without it the page still reads.
"use strict";
document.documentElement.classList.add("scripted");

// Data --------------------------------------------------------------------------------------------
// A data set comes by column; a column with few values comes as {values, at: the index of each}.
function readJson(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

function column(stored) {
  return Array.isArray(stored) ? stored : stored.at.map((index) => stored.values[index]);
}

function toRows(dataset) {
  const names = Object.keys(dataset);
  const columns = names.map((name) => column(dataset[name]));
  const length = columns.length ? columns[0].length : 0;
  return Array.from({ length }, (_, at) => {
    const row = { no: at + 1 };
    names.forEach((name, index) => { row[name] = columns[index][at]; });
    return row;
  });
}

// Charts ------------------------------------------------------------------------------------------
const dark = window.matchMedia("(prefers-color-scheme: dark)");
let datasets = {};
let charts = {};
let themes = {};

// Read what the page brings, and show it; again where a page of the server has been renewed.
function start() {
  datasets = {};
  for (const [name, dataset] of Object.entries(readJson("data") || {})) datasets[name] = toRows(dataset);
  charts = readJson("charts") || {};
  themes = readJson("themes") || {};
  if (window.vegaEmbed && window.IntersectionObserver) drawAll();
  if (datasets.points && document.getElementById("run-table")) liveTable(document.getElementById("run-table"));
}

function draw(figure, printing) {
  const choices = charts[figure.dataset.chart];
  const chooser = figure.querySelector("select");
  const chosen = choices[chooser ? chooser.selectedIndex : 0];
  const spec = Object.assign({}, chosen.spec);
  const used = new Set(JSON.stringify(spec).match(/"data":\{"name":"\w+"/g).map((text) => text.slice(16, -1)));
  spec.datasets = Object.fromEntries([...used].map((name) => [name, datasets[name] || []]));
  const config = themes[dark.matches && !printing ? "dark" : "light"];
  const large = [...used].some((name) => spec.datasets[name].length > 1000);
  const caption = figure.querySelector("figcaption .says");
  if (caption) caption.textContent = chosen.caption;
  return vegaEmbed(figure.querySelector(".plot"), spec, { actions: false, renderer: large ? "canvas" : "svg", config });
}

// One after the other, as a person comes to them: a page with many charts is there at once.
function drawAll() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      seen.unobserve(entry.target);
      entry.target.dataset.drawn = "yes";
      draw(entry.target);
    }
  }, { rootMargin: "300px" });
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    seen.observe(figure);
    const chooser = figure.querySelector("select");
    if (chooser) chooser.addEventListener("change", () => draw(figure));
  }
}
dark.addEventListener("change", () => {
  document.querySelectorAll("figure[data-drawn]").forEach((figure) => draw(figure));
});
window.addEventListener("beforeprint", () => {
  if (window.vegaEmbed) document.querySelectorAll("figure[data-chart]").forEach((figure) => draw(figure, true));
});

// The table of runs --------------------------------------------------------------------------------
const PAGE = 100;
const CONDITION = /^\s*([^<>=!]+?)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*$/;

function shownNumber(value) {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e5 && Math.abs(value) < 1e9 ? value.toFixed(0) : String(Number(value.toPrecision(5)));
}

function shown(value) {
  if (value === null || value === undefined) return "-";
  return typeof value === "number" ? shownNumber(value) : String(value);
}

// A filter is conditions and words, joined by "and": `alpha < 0.5 and lasso`.
function compileFilter(text, columns) {
  const tests = text.split(/\s+and\s+/i).filter((part) => part.trim()).map((part) => {
    const found = part.match(CONDITION);
    const known = found && columns.find((each) => each.heading === found[1]);
    if (!known) return (row) => columns.some((each) => shown(row[each.name]).toLowerCase().includes(part.trim().toLowerCase()));
    const [, , operator, wanted] = found;
    return (row) => holds(row[known.name], operator, wanted);
  });
  return (row) => tests.every((test) => test(row));
}

function holds(value, operator, wanted) {
  if (value === null || value === undefined) return operator === "!=";
  const number = Number(wanted);
  const [a, b] = typeof value === "number" && !Number.isNaN(number) ? [value, number] : [String(value), wanted];
  if (operator === "=") return a === b;
  if (operator === "!=") return a !== b;
  if (typeof a !== typeof b || typeof a === "string") return false;
  return { "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b }[operator];
}

// What is missing comes last either way; numbers come before texts.
function compareBy(name, descending) {
  const missing = (value) => value === null || value === undefined;
  return (one, other) => {
    const [a, b] = [one[name], other[name]];
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
    return descending ? -order : order;
  };
}

function liveTable(table) {
  const columns = [...table.querySelectorAll("th")].map((head) => ({
    name: head.dataset.name, heading: head.textContent, number: head.classList.contains("number"), head,
  }));
  const winner = table.querySelector("tr.winner") !== null;
  const filter = document.getElementById("run-filter");
  const more = document.getElementById("run-more");
  const all = datasets.points;
  let sorted = all;
  let limit = PAGE;

  function line(row) {
    const element = document.createElement("tr");
    if (winner && row.no === 1) element.className = "winner";
    for (const each of columns) {
      const cell = document.createElement("td");
      const text = shown(row[each.name]);
      if (each.number) cell.className = "number"; else if (text.length > 40) cell.className = "text";
      cell.textContent = text;
      element.append(cell);
    }
    return element;
  }

  function render() {
    const kept = sorted.filter(compileFilter(filter.value, columns));
    table.tBodies[0].replaceChildren(...kept.slice(0, limit).map(line));
    document.getElementById("run-count").textContent = `${kept.length} of ${all.length}`;
    document.getElementById("run-pages").hidden = kept.length <= limit;
  }

  for (const each of columns) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = each.heading;
    each.head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = each.head.getAttribute("aria-sort") === "ascending";
      columns.forEach((other) => other.head.removeAttribute("aria-sort"));
      each.head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sorted = [...all].sort(compareBy(each.name, descending));
      render();
    });
  }
  filter.addEventListener("input", () => { limit = PAGE; render(); });
  more.addEventListener("click", () => { limit += 10 * PAGE; render(); });
  document.getElementById("run-tools").hidden = false;
  render();
}

start();
document.addEventListener("page:renewed", start);
