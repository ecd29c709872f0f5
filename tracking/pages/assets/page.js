// What a page does with JavaScript: draws its charts, sorts and filters its table. Without it the page still reads.
"use strict";

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
const datasets = {};
for (const [name, dataset] of Object.entries(readJson("data") || {})) datasets[name] = toRows(dataset);
const charts = readJson("charts") || {};
const themes = readJson("themes") || {};

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
  dark.addEventListener("change", () => {
    document.querySelectorAll("figure[data-drawn]").forEach((figure) => draw(figure));
  });
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("figure[data-chart]").forEach((figure) => draw(figure, true));
  });
}
if (window.vegaEmbed && window.IntersectionObserver) drawAll();
