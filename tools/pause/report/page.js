// The page of eddy-pause report: charts of the recordings in DATA. Nothing is loaded from elsewhere.
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const HUES = {
  light: ["#2a6fdb", "#d9622b", "#16876a", "#b58900", "#8a4fc7", "#c93a77", "#4d6b87", "#2b94a8", "#7a8f1f", "#a0522d", "#59636e"],
  dark: ["#6aa5ff", "#ff9a66", "#4cc9a4", "#e3bd4a", "#bd93f2", "#f582b0", "#9bb4cc", "#63c8da", "#b6cb5a", "#d79a76", "#aab4bf"],
};
const SEVERAL = DATA.runs.length > 1;
DATA.runs.forEach((run, i) => { run.letter = String.fromCharCode(65 + i); run.title = SEVERAL ? run.letter + ": " + run.name : run.name; });
const charts = [];       // {make, plot, host}: made again when the theme changes
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
document.documentElement.dataset.theme = theme;
const hue = (i) => HUES[theme][i % HUES[theme].length];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const element = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) key === "class" ? (e.className = value) : e.setAttribute(key, value);
  e.append(...children);
  return e;
};

// ---- numbers for people ----
function scaled(value, step, units) {
  let i = 0;
  while (Math.abs(value) >= 999.5 && i + 1 < units.length) { value /= step; i++; }
  const digits = value === 0 || Math.abs(value) >= 99.95 || Number.isInteger(value) ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return value.toFixed(digits) + " " + units[i];
}
const time = (ns) => (ns == null ? "–" : scaled(ns, 1000, ["ns", "µs", "ms", "s"]));
const bytes = (n) => (n == null ? "–" : scaled(n, 1024, ["B", "KiB", "MiB", "GiB"]));
const seconds = (s) => (s == null ? "–" : s.toFixed(s < 10 ? 4 : 3) + " s");
const BINARY = Array.from({ length: 50 }, (_, i) => 2 ** i);
const powers = (u, axis, min, max) => {
  const found = [];
  for (let e = Math.ceil(Math.log10(min) - 1e-9); e <= Math.log10(max) + 1e-9; e++) found.push(10 ** e);
  return found;
};

// ---- charts ----
const axis = (more) => ({
  stroke: css("--soft"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--line"), width: 1, size: 5 },
  font: "11px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", labelFont: "12px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", ...more });

function chart(host, height, make) {
  const entry = { host, plot: null, make: null };
  entry.make = () => {
    if (entry.plot) entry.plot.destroy();
    const [options, data] = make();
    options.padding = [12, 26, 0, 0];
    entry.plot = new uPlot({ width: host.clientWidth || 600, height, ...options }, data, host);
  };
  entry.make();
  charts.push(entry);
  new ResizeObserver(() => { if (entry.plot && host.clientWidth > 0 && entry.plot.width !== host.clientWidth) entry.plot.setSize({ width: host.clientWidth, height }); }).observe(host);
  return entry;
}

// Without the end of the grid, where no line has a point.
function trimmed(grid, lines) {
  let end = grid.length;
  while (end > 2 && lines.every((line) => line[end - 1] == null)) end--;
  return [grid, ...lines].map((line) => line.slice(0, end));
}

// One line per run, and the control's, dashed, behind them.
function lines(get, control, value, extra) {
  const series = [], data = [];
  DATA.runs.forEach((run, i) => {
    const name = SEVERAL ? run.letter : "stalls", of = SEVERAL ? run.letter + ", " : "";
    if (control && get(run, "control")) {
      series.push({ label: of + "control", stroke: css("--control"), width: 1.5, dash: [5, 4], value, points: { show: false } });
      data.push(get(run, "control"));
    }
    series.push({ label: name, stroke: hue(i), width: 2, value, points: { show: false } });
    data.push(get(run, "all"));
    for (const [key, label, dash] of extra || []) {
      if (!get(run, key)) continue;
      series.push({ label: of + label, stroke: hue(i + (key === "request" ? 4 : 0)), width: 1.5, dash, value, points: { show: false } });
      data.push(get(run, key));
    }
  });
  return [series, data];
}

function percentileName(x) {
  const share = 100 * (1 - 1 / x);
  return share.toFixed(x < 10 ? 0 : Math.max(0, Math.round(Math.log10(x)) - 2)) + " %";
}

chart(document.getElementById("percentiles"), 300, () => {
  const [series, data] = lines((run, key) => run.percentiles[key], true, (u, v) => time(v), [["request", "requests", []]]);
  return [{
    scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
    axes: [axis({ filter: (u, splits) => splits, splits: (u, a, min, max) => [2, ...powers(u, a, 10, max)], values: (u, splits) => splits.map(percentileName) }),
           axis({ splits: powers, values: (u, splits) => splits.map(time), size: 62 })],
    series: [{ label: "percentile", value: (u, v) => (v == null ? "–" : (100 * (1 - 1 / v)).toFixed(v < 100 ? 1 : 4) + " %") }, ...series],
  }, trimmed(DATA.percentile_grid, data)];
});

chart(document.getElementById("rates"), 300, () => {
  const [series, data] = lines((run, key) => run.rates[key], true, (u, v) => (v == null ? "–" : v.toPrecision(3)));
  return [{
    scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
    axes: [axis({ splits: powers, values: (u, splits) => splits.map(time) }),
           axis({ splits: powers, values: (u, splits) => splits.map((v) => (v >= 1 ? v.toLocaleString("en") : String(+v.toPrecision(1)))), size: 62 })],
    series: [{ label: "longer than", value: (u, v) => time(v) }, ...series],
  }, trimmed(DATA.rate_grid, data)];
});

chart(document.getElementById("mmu"), 260, () => {
  const [series, data] = lines((run, key) => run.mmu[key], true, (u, v) => (v == null ? "–" : v.toFixed(3)), [["bmu", "BMU", [3, 4]], ["wall", "as on the clock", [1, 3]]]);
  return [{
    scales: { x: { time: false, distr: 3 }, y: { range: [0, 1.02] } },
    axes: [axis({ splits: powers, values: (u, splits) => splits.map(time) }), axis({ size: 44 })],
    series: [{ label: "window", value: (u, v) => time(v) }, ...series],
  }, trimmed(DATA.window_grid, data)];
});

// ---- the table ----
function figures() {
  const table = document.getElementById("figures");
  const columns = ["count", "p50", "p99", "p99.9", "p99.99", "longest", "cost", "total"];
  table.replaceChildren();
  table.append(element("thead", {}, element("tr", {}, element("th", {}, ""), ...columns.map((c) => element("th", {}, c)))));
  const body = element("tbody");
  DATA.runs.forEach((run, i) => {
    if (SEVERAL) {
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = hue(i);
      body.append(element("tr", {}, element("th", { colspan: columns.length + 1 }, swatch, run.title)));
    }
    for (const kind of run.kinds) {
      const cells = [kind.count.toLocaleString("en"), ...["p50", "p99", "p999", "p9999", "max"].map((p) => time(kind[p])),
                     kind.max_cost == null ? "" : time(kind.max_cost), time(kind.total)];
      const row = kind.id === "control" ? "control" : kind.part ? "part" : "";
      body.append(element("tr", { class: row }, element("td", {}, kind.title), ...cells.map((c) => element("td", {}, c))));
    }
  });
  table.append(body);
  const facts = element("table", { id: "facts" });
  facts.append(element("thead", {}, element("tr", {}, element("th", {}, ""), ...DATA.runs.map((run) => element("th", {}, SEVERAL ? run.letter : "")))));
  const rows = element("tbody");
  DATA.facts.forEach((name, i) => rows.append(element("tr", {}, element("td", {}, name), ...DATA.runs.map((run) => element("td", {}, run.facts[i])))));
  facts.append(rows);
  const old = document.getElementById("facts");
  if (old) old.parentElement.remove();
  const box = element("div", { class: "scroll" }, facts);
  box.style.marginTop = "12px";
  table.parentElement.after(box);
}
figures();

// ---- a run: time line, memory, histogram ----
function timeline(run, section) {
  const line = run.timeline;
  const keys = element("div", { class: "keys" });
  const told = element("div", { class: "told" });
  const host = element("div", { class: "chart timeline" });
  const memory = element("div", { class: "chart" });
  const jumps = element("div", { class: "jumps" }, "Longest: ");
  section.append(element("h3", {}, "Time line (drag to zoom, double-click for all)"), keys, jumps, host, told,
                 element("h3", {}, "Memory at the end of each epoch"), memory);
  const paint = () => {
    const present = new Set(line.items.map((item) => item[1]));
    const key = (name, k) => {
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = hue(k);
      return element("span", {}, swatch, name);
    };
    const some = (from, to) => line.kinds.map((name, k) => [name, k]).filter(([, k]) => k >= from && k < to && present.has(k)).map(([name, k]) => key(name, k));
    const stalls = line.stall_kinds.length;
    keys.replaceChildren("Threads:", ...some(0, stalls), "Collector:", ...some(stalls, line.kinds.length - 1), ...some(line.kinds.length - 1, line.kinds.length));
  };
  const lanes = line.lanes.length;
  const rowOf = (u, lane) => {
    const h = u.bbox.height / lanes;
    return [u.bbox.top + lane * h + h * 0.12, h * 0.76];
  };
  const draw = (u) => {
    const { ctx } = u, { left, top, width, height } = u.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    for (let lane = 0; lane < lanes; lane += 2) {
      ctx.fillStyle = css("--band");
      ctx.fillRect(left, top + (lane * height) / lanes, width, height / lanes);
    }
    const colours = line.kinds.map((_, k) => hue(k));
    const { min, max } = u.scales.x, perSecond = width / (max - min);
    for (const [lane, kind, begin, length] of line.items) {
      const x = left + (begin / 1e6 - min) * perSecond, w = Math.max((length / 1e6) * perSecond, devicePixelRatio);
      if (x > left + width || x + w < left) continue;
      const [y, h] = rowOf(u, lane);
      ctx.fillStyle = colours[kind];
      ctx.fillRect(x, y, w, h);
    }
    ctx.restore();
  };
  let lock = false;
  const follow = (u) => {
    if (lock || !pair.every((c) => c && c.plot)) return;
    lock = true;
    for (const c of pair) if (c.plot !== u) c.plot.setScale("x", { min: u.scales.x.min, max: u.scales.x.max });
    lock = false;
  };
  const tell = (u) => {
    const { left, top } = u.cursor;
    told.textContent = "";
    if (left < 0 || u.bbox.height === 0) return;
    const at = u.posToVal(left, "x") * 1e6, slack = ((u.scales.x.max - u.scales.x.min) / u.width) * 2e6;
    const lane = Math.floor((top / (u.bbox.height / devicePixelRatio)) * lanes);
    let best = null;
    for (const item of line.items)
      if (item[0] === lane && item[2] - slack <= at && item[2] + item[3] + slack >= at && (!best || item[3] > best[3])) best = item;
    if (best) told.textContent = `${line.lanes[lane]}: ${line.kinds[best[1]]}, ${time(best[3] * 1000)}, from ${seconds(best[2] / 1e6)}`;
  };
  const pair = [];
  const timeAxis = () => axis({ size: 30, values: (u, splits) => splits.map((s) => +s.toFixed(6) + " s") });
  pair.push(chart(host, Math.min(52 + lanes * 26, 520), () => {
    paint();
    return [{
      scales: { x: { time: false }, y: { range: [0, lanes] } },
      legend: { show: false }, cursor: { y: true, points: { show: false } },
      axes: [timeAxis(), axis({ size: 96, grid: { show: false }, splits: () => line.lanes.map((_, i) => lanes - i - 0.5), values: () => line.lanes })],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: { drawAxes: [draw], setCursor: [tell], setScale: [(u, key) => key === "x" && follow(u)] },
    }, [[line.from / 1e6, line.to / 1e6], [null, null]]];
  }));
  pair.push(chart(memory, 200, () => [{
    scales: { x: { time: false }, y: { range: (u, min, max) => [0, max * 1.05 || 1] } },
    axes: [timeAxis(), axis({ incrs: BINARY, values: (u, splits) => splits.map(bytes), size: 96 })],
    series: [{ label: "time", value: (u, v) => seconds(v) },
             ...[["committed", 0], ["live", 2], ["logs", 1]].map(([label, h]) => ({ label, stroke: hue(h), width: 1.5, points: { show: false }, value: (u, v) => bytes(v) }))],
    hooks: { setScale: [(u, key) => key === "x" && follow(u)] },
  }, [run.memory.at, run.memory.committed, run.memory.live, run.memory.logs]]));
  const longest = [...line.items].filter((item) => line.stall_kinds.includes(item[1])).sort((a, b) => b[3] - a[3]).slice(0, 6);
  for (const item of longest) {
    const button = element("button", { type: "button" }, `${time(item[3] * 1000)} ${line.kinds[item[1]]}`);
    button.addEventListener("click", () => {
      const margin = Math.max(item[3] * 2, 50) / 1e6;
      pair[0].plot.setScale("x", { min: item[2] / 1e6 - margin, max: (item[2] + item[3]) / 1e6 + margin });
    });
    jumps.append(button);
  }
  const all = element("button", { type: "button" }, "all");
  all.addEventListener("click", () => pair[0].plot.setScale("x", { min: line.from / 1e6, max: line.to / 1e6 }));
  jumps.append(all);
  if (line.hidden > 0) section.append(element("p", { class: "note" }, `The time line leaves out the ${line.hidden.toLocaleString("en")} shortest events.`));
}

function histogram(run, section) {
  const host = element("div", { class: "chart" });
  section.append(element("h3", {}, "How many stalls of each kind last how long"), host);
  const shown = run.kinds.filter((kind) => kind.histogram && kind.id !== "all");
  chart(host, 260, () => [{
    scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
    axes: [axis({ splits: powers, values: (u, splits) => splits.map(time) }),
           axis({ splits: powers, values: (u, splits) => splits.map((v) => v.toLocaleString("en")), size: 62 })],
    series: [{ label: "up to", value: (u, v) => time(v) },
             ...shown.map((kind) => ({
               label: kind.part ? kind.title.replace("of which ", "") : kind.title, stroke: kind.id === "control" ? css("--control") : hue(kind.colour), width: 1.75,
               dash: kind.id === "control" ? [5, 4] : [], points: { show: true, size: 4 }, value: (u, v) => (v == null ? "–" : v.toLocaleString("en")) }))],
  }, trimmed(DATA.histogram_grid, shown.map((kind) => kind.histogram))]);
}

document.getElementById("about").textContent = DATA.runs.map((run) => run.title).join(" · ");
document.title = "Pauses: " + DATA.runs.map((run) => run.name).join(", ");
for (const run of DATA.runs) {
  const section = element("section", { class: "run" }, element("h2", {}, run.title));
  document.getElementById("runs").append(section);
  section.append(element("p", { class: "note" }, run.about));
  for (const warning of run.warnings) section.append(element("p", { class: "note warning" }, warning));
  timeline(run, section);
  histogram(run, section);
}

// ---- light and dark ----
function repaint() {
  document.documentElement.dataset.theme = theme;
  figures();
  for (const entry of charts) entry.make();
}
document.getElementById("theme").addEventListener("click", () => { theme = theme === "dark" ? "light" : "dark"; repaint(); });
window.eddyPause = { charts, DATA };
