"use strict";
// Draws the charts of a study's report from the JSON in #data. Nothing is fetched.
(() => {
  const { data, $, charts, dark, pick, css, withAlpha, digits, round, si, draw, axis, logAxis, start } = page;

  // ---- colours: Okabe and Ito for bounds, Tol "muted" for phases; both safe for colour-blind readers.
  const boundColours = { light: ["#0072b2", "#d55e00", "#007a5a", "#a8548a", "#8a6d00", "#3b8bc2"],
                         dark: ["#56b4e9", "#ff9a4d", "#2fc79b", "#e39cc3", "#f0e442", "#9ad0f5"] };
  const boundShapes = ["circle", "rect", "triangle", "rectRot", "star", "cross"];
  const phaseColours = {
    light: { read: "#88ccee", prepare: "#44aa99", train: "#cc6677", encode: "#332288", write: "#ddcc77",
             "read-back": "#999933", decode: "#117733", verify: "#aa4499", other: "#bbbbbb" },
    dark: { read: "#88ccee", prepare: "#44aa99", train: "#cc6677", encode: "#8f88e8", write: "#ddcc77",
            "read-back": "#a8a83e", decode: "#35a35a", verify: "#c767b6", other: "#80868c" } };
  const moreColours = ["#882255", "#6699cc", "#997700", "#ee99aa"];
  const phaseColour = (name) => {
    const known = pick(phaseColours)[name];
    return known || moreColours[data.phases.names.indexOf(name) % moreColours.length];
  };

  const label = (row) => row.method + " · " + row.bound;

  // ---- size against energy
  const errorBars = { id: "errorBars", beforeDatasetsDraw(chart) {
    const { ctx, scales: { y } } = chart;
    chart.data.datasets.forEach((set, k) => chart.getDatasetMeta(k).data.forEach((point, i) => {
      const { low, high } = set.data[i];
      ctx.save();
      ctx.strokeStyle = withAlpha(set.borderColor, 0.45);
      ctx.lineWidth = 1;
      const top = y.getPixelForValue(high), bottom = y.getPixelForValue(low);
      ctx.beginPath();
      ctx.moveTo(point.x, top); ctx.lineTo(point.x, bottom);
      for (const end of [top, bottom]) { ctx.moveTo(point.x - 3, end); ctx.lineTo(point.x + 3, end); }
      ctx.stroke();
      ctx.restore();
    }));
  } };
  // Names beside points; a name that would cover another name or a point is tried at four places, then left out.
  const pointNames = { id: "pointNames", afterDatasetsDraw(chart) {
    const { ctx, chartArea } = chart;
    const taken = [];
    const all = chart.data.datasets.flatMap((set, k) => chart.getDatasetMeta(k).data.map((p, i) => ({ p, set, d: set.data[i] })));
    for (const { p } of all) taken.push([p.x - 5, p.y - 5, p.x + 5, p.y + 5]);
    ctx.save();
    ctx.font = "11px " + css("--sans");
    ctx.textBaseline = "middle";
    all.sort((a, b) => (a.d.row.status === "dominated") - (b.d.row.status === "dominated"));
    for (const { p, set, d } of all) {
      const text = d.row.method.length > 32 ? d.row.method.slice(0, 31) + "…" : d.row.method;
      const w = ctx.measureText(text).width;
      for (const [x, y] of [[p.x + 9, p.y], [p.x - 9 - w, p.y], [p.x + 7, p.y - 12], [p.x + 7, p.y + 12], [p.x - 7 - w, p.y - 12], [p.x - 7 - w, p.y + 12]]) {
        const box = [x, y - 6, x + w, y + 6];
        const clear = taken.every((t) => box[2] < t[0] || box[0] > t[2] || box[3] < t[1] || box[1] > t[3]);
        if (!clear || box[0] < chartArea.left || box[2] > chartArea.right || box[1] < chartArea.top || box[3] > chartArea.bottom) continue;
        ctx.fillStyle = set.borderColor;
        ctx.fillText(text, x, y);
        taken.push(box);
        break;
      }
    }
    ctx.restore();
  } };
  function drawPareto() {
    const rows = data.rows.filter((r) => r.energy[0] > 0 && r.energy[1] > 0 && r.size > 0);
    $("pareto-empty").hidden = rows.length > 0;
    $("pareto").parentElement.hidden = rows.length === 0;
    if (rows.length === 0) return;
    const bounds = [...new Set(rows.map((r) => r.bound))];
    const fill = { "on the front": 1, "cannot tell": 0.4, dominated: 0 };
    const sets = bounds.map((bound, k) => {
      const colour = pick(boundColours)[k % 6];
      const own = rows.filter((r) => r.bound === bound);
      return { label: bound, borderColor: colour, pointStyle: boundShapes[k % 6], pointRadius: 5, pointHoverRadius: 7, borderWidth: 1.5,
               backgroundColor: own.map((r) => (fill[r.status] ? withAlpha(colour, fill[r.status]) : css("--page"))),
               data: own.map((r) => ({ x: r.size, y: r.energy[0], low: r.energy[1], high: r.energy[2], row: r })) };
    });
    const sizes = rows.map((r) => r.size);
    draw("pareto", { type: "scatter", data: { datasets: sets }, plugins: [errorBars, pointNames], options: {
      scales: { x: logAxis("size, B/row (log scale)", "B/row", Math.min(...sizes) / 1.12, Math.max(...sizes) * 1.12),
                y: logAxis("attributed energy per GB of raw data (log scale)", "J/GB",
                           Math.min(...rows.map((r) => r.energy[1])) / 1.3, Math.max(...rows.map((r) => r.energy[2])) * 1.3) },
      plugins: { legend: { position: "top", align: "start", labels: { usePointStyle: true, boxWidth: 7, boxHeight: 7, generateLabels: (chart) =>
                   chart.data.datasets.map((s, k) => ({ text: s.label, fontColor: css("--text"), fillStyle: s.borderColor, strokeStyle: s.borderColor,
                     lineWidth: 1.5, pointStyle: s.pointStyle, datasetIndex: k, hidden: !chart.isDatasetVisible(k) })) } },
                 tooltip: { callbacks: { label: ({ raw }) =>
                   [label(raw.row), digits(raw.x) + " B/row", raw.row.text, raw.row.status] } } } } });
  }

  // ---- phases
  function legend(id, names) {
    $(id).replaceChildren(...names.map((name) => {
      const item = document.createElement("span"), swatch = document.createElement("i");
      swatch.style.background = phaseColour(name);
      item.append(swatch, name);
      return item;
    }));
  }
  const total = (values) => values.reduce((a, b) => a + b, 0);
  // At most three panels, as few as keep the longest bar of each within a factor 8 of its shortest, so that quick methods stay visible.
  function panels(rows) {
    const sorted = [...rows].sort((a, b) => total(a.s) - total(b.s));
    const n = sorted.length, t = sorted.map((r) => total(r.s));
    const spread = (from, to) => (to > from ? t[to - 1] / Math.max(t[from], 1e-9) : 1);
    const worst = (cuts) => Math.max(...[...cuts, n].map((end, k) => spread(k ? cuts[k - 1] : 0, end)));
    let best = [];
    for (let one = 1; one < n && worst(best) > 8; ++one) if (worst([one]) < worst(best)) best = [one];
    if (worst(best) > 8)
      for (let one = 1; one < n; ++one)
        for (let two = one + 1; two < n; ++two) if (worst([one, two]) < worst(best)) best = [one, two];
    return [...best, n].map((end, k) => sorted.slice(k ? best[k - 1] : 0, end));
  }
  const totals = { id: "totals", afterDatasetsDraw(chart) {
    const { ctx, scales: { x, y }, config: { options: { unit } } } = chart;
    ctx.save();
    ctx.font = "11px " + css("--sans");
    ctx.fillStyle = css("--muted");
    ctx.textBaseline = "middle";
    chart.data.labels.forEach((_, i) => {
      const sum = total(chart.data.datasets.map((s) => s.data[i] || 0));
      ctx.fillText(si(sum, unit), x.getPixelForValue(sum) + 5, y.getPixelForValue(i));
    });
    ctx.restore();
  } };
  const shorten = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);
  function drawPhases() {
    const names = data.phases.names;
    legend("phase-legend", names);
    const groups = panels(data.phases.rows);
    const longest = Math.max(...data.phases.rows.map((r) => Math.min(42, label(r).length)));
    const labelWidth = Math.min(250, 20 + 6.1 * longest);
    for (const id of [...charts.keys()].filter((k) => k.startsWith("phases-"))) { charts.get(id).destroy(); charts.delete(id); }
    $("phases").replaceChildren();
    groups.forEach((rows, g) => {
      const hasEnergy = rows.some((r) => r.J);
      const pair = document.createElement("div");
      pair.className = "pair phases";
      pair.style.setProperty("--names", labelWidth + "px");
      $("phases").append(pair);
      for (const [key, title, unit] of [["s", "wall time", "s"], ["J", "attributed energy", "J"]]) {
        const holder = document.createElement("div");
        pair.append(holder);
        if (key === "J" && !hasEnergy) { holder.className = "empty"; holder.textContent = "energy unknown"; continue; }
        const canvas = document.createElement("canvas");
        canvas.id = "phases-" + g + key;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", "Stacked bars of " + title + " by phase; the numbers are in the table below");
        holder.className = "chart";
        holder.style.height = 58 + rows.length * 21 + "px";
        holder.append(canvas);
        const most = Math.max(...rows.map((r) => total(r[key] || [0])));
        draw(canvas.id, { type: "bar", plugins: [totals],
          data: { labels: rows.map(label), datasets: names.map((name, k) => ({
            label: name, data: rows.map((r) => (r[key] ? r[key][k] : null)), backgroundColor: phaseColour(name),
            borderColor: css("--page"), borderWidth: { right: 1 }, borderSkipped: false, barPercentage: 0.92, categoryPercentage: 0.88 })) },
          options: { unit, indexAxis: "y", layout: { padding: { right: 54 } },
            scales: { x: axis(title, unit, { stacked: true, max: most * 1.01, beginAtZero: true, ticks: { maxTicksLimit: 5 } }),
                      y: { stacked: true, grid: { display: false }, afterFit: (scale) => { scale.width = key === "s" ? labelWidth : 4; },
                           ticks: { autoSkip: false, font: { size: 11 }, callback: (_, i) => (key === "s" ? shorten(label(rows[i]), 42) : "") } } },
            plugins: { legend: { display: false }, tooltip: { callbacks: {
              title: (items) => label(rows[items[0].dataIndex]),
              label: (item) => item.dataset.label + ": " + si(item.raw, unit) } } } } });
      }
    });
  }

  // ---- memory, CPU and power over time
  const shading = { id: "shading", beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x }, config: { options: { shade } } } = chart;
    ctx.save();
    for (const [phase, start, end] of shade) {
      ctx.fillStyle = withAlpha(phaseColour(data.phases.names[phase]), dark() ? 0.34 : 0.28);
      const left = Math.max(area.left, x.getPixelForValue(start)), right = Math.min(area.right, x.getPixelForValue(end));
      ctx.fillRect(left, area.top, Math.max(0.5, right - left), area.bottom - area.top);
    }
    ctx.restore();
  } };
  function drawSeries(id, run, values, title, unit) {
    draw(id, { type: "line", plugins: [shading],
      data: { datasets: [{ data: run.t.map((t, i) => ({ x: t, y: values[i] })), borderColor: css("--text"), borderWidth: 1.5,
                           pointRadius: run.t.length < 30 ? 2.5 : 0, pointBackgroundColor: css("--text"), pointHitRadius: 8 }] },
      options: { shade: run.shade, parsing: true, interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: { x: axis("time since the start", "s", { type: "linear", min: 0, max: run.wall }),
                  y: axis(title, unit, { beginAtZero: true, ticks: { maxTicksLimit: 6 },
                                         afterFit: (scale) => { scale.width = 88; } }) },
        plugins: { legend: { display: false }, tooltip: { callbacks: { title: (items) => si(items[0].parsed.x, "s"),
          label: (item) => (unit ? si(item.parsed.y, unit) : digits(item.parsed.y) + " CPUs") } } } } });
  }
  function drawPower(run) {
    draw("power", { type: "line", plugins: [shading],
      data: { datasets: run.power.map((p, k) => ({ label: p.name, stepped: "before", borderColor: pick(boundColours)[k], backgroundColor: pick(boundColours)[k],
        borderWidth: 1.5, pointRadius: 0, pointHitRadius: 8, data: p.t.map((t, i) => ({ x: t, y: p.W[Math.min(i, p.W.length - 1)] })) })) },
      options: { shade: run.shade, interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: { x: axis("time since the start", "s", { type: "linear", min: 0, max: run.wall }),
                  y: axis("power", "W", { beginAtZero: true, ticks: { maxTicksLimit: 6 }, afterFit: (scale) => { scale.width = 88; } }) },
        plugins: { legend: { position: "top", align: "start", labels: { boxHeight: 1, boxWidth: 22 } },
          tooltip: { callbacks: { title: (items) => (items.length ? si(items[0].parsed.x, "s") : ""), label: (item) => item.dataset.label + ": " + si(item.parsed.y, "W") } } } } });
  }
  function drawRun() {
    const run = data.runs[$("run").value];
    if (!run) return;
    legend("run-legend", [...new Set(run.shade.map(([phase]) => phase))].sort((a, b) => a - b).map((k) => data.phases.names[k]));
    drawSeries("memory", run, run.memory, "resident memory", "B");
    drawSeries("cpu", run, run.cores, "CPUs in use", "");
    $("power").parentElement.hidden = run.power.length === 0;
    if (run.power.length) drawPower(run);
  }

  // ---- distributions
  function originalOf(entry) { return entry.original || data.columns[entry.column]; }
  function decodedOf(entry) {
    const before = originalOf(entry);
    return { low: before.low, high: before.high, counts: entry.decoded || before.counts };
  }
  // A histogram as the outline of its bins.
  function outline(h) {
    const width = (h.high - h.low) / h.counts.length;
    return h.counts.flatMap((n, i) => [{ x: h.low + i * width, y: n }, { x: h.low + (i + 1) * width, y: n }]);
  }
  // On a logarithmic axis an empty bin lies on the floor, half a count.
  const floor = 0.5;
  const logCounts = () => $("log").checked;
  const outlineSet = (name, h, colour, filled) => ({ label: name,
    data: outline(h).map((p) => (logCounts() ? { x: p.x, y: Math.max(p.y, floor) } : p)), borderColor: colour, borderWidth: filled ? 1 : 1.5,
    backgroundColor: filled ? withAlpha(colour, 0.3) : "transparent", fill: filled ? "start" : false, pointRadius: 0, tension: 0 });
  const decade = (v) => v > 0 && Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9;
  const histogramOptions = (title, h) => ({
    scales: { x: { type: "linear", min: h.low, max: h.high, title: { display: true, text: title }, grid: { display: false },
                   ticks: { callback: round, maxTicksLimit: 8, maxRotation: 0, includeBounds: false } },
              y: logCounts()
                ? { type: "logarithmic", min: floor, title: { display: true, text: "values a bin (log scale)" }, grid: { color: (c) => (decade(c.tick?.value) ? css("--grid") : "transparent") },
                    ticks: { autoSkip: false, maxRotation: 0, callback: (v) => (decade(v) ? round(v) : "") } }
                : { beginAtZero: true, title: { display: true, text: "values a bin" }, grid: { color: css("--grid") },
                    ticks: { callback: round, maxTicksLimit: 6 } } },
    plugins: { legend: { position: "top", align: "start", labels: { boxHeight: 8, boxWidth: 16 }, reverse: true }, tooltip: { enabled: false } } });
  const grey = () => (dark() ? "#9aa0a6" : "#808080");
  const after = () => pick(boundColours)[0];
  const boundLines = { id: "boundLines", afterDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x }, config: { options: { allowed } } } = chart;
    if (!allowed) return;
    ctx.save();
    ctx.strokeStyle = css("--text");
    ctx.setLineDash([4, 4]);
    for (const at of [x.getPixelForValue(-allowed), x.getPixelForValue(allowed)]) {
      ctx.beginPath(); ctx.moveTo(at, area.top); ctx.lineTo(at, area.bottom); ctx.stroke();
    }
    ctx.restore();
  } };
  function drawColumn() {
    const method = data.fidelity[$("method").value];
    const entry = method.columns[$("column").value] || method.columns[0];
    const before = originalOf(entry), name = data.columns[entry.column].name;
    const facts = entry.decoded === undefined
      ? "every value bit-identical"
      : "largest error " + digits(entry.max) + ", rms error " + digits(entry.rms) + ", " + round(entry.exact * 100) + " % of values bit-identical";
    $("column-facts").textContent = name + " (" + data.columns[entry.column].dtype + "), bound " + entry.bound + ": " + facts +
      (before.outside ? "; " + round(before.outside) + " values outside the histogram or not finite" : "");
    draw("distribution", { type: "line", data: { datasets: [outlineSet("after", decodedOf(entry), after(), false), outlineSet("before", before, grey(), true)] },
                           options: histogramOptions(shorten(name, 50), before) });
    const error = entry.error || { low: -1, high: 1, counts: [0] };
    const reach = 1.04 * Math.max(entry.allowed || 0, -error.low, error.high);
    const options = histogramOptions(entry.error ? "error (after − before)" + (entry.allowed ? "; dashed: the bound" : "") : "no error: exact",
                                     entry.error ? { low: -reach, high: reach } : error);
    if (!entry.error) { options.scales.x.ticks.display = false; options.scales.y.ticks.display = false; }
    options.allowed = entry.allowed;
    draw("error", { type: "line", plugins: [boundLines],
                    data: { datasets: [outlineSet("error", error, pick(boundColours)[1], true)] }, options });
    document.querySelectorAll("#multiples button").forEach((b, i) => b.setAttribute("aria-pressed", String(method.columns[i] === entry)));
  }
  function path(h, most, closed) {
    const scale = (y) => (logCounts() ? Math.log(Math.max(y, floor) / floor) / Math.log(most / floor) : y / most);
    const points = outline(h).map(({ x, y }) => [((x - h.low) / (h.high - h.low)) * 100, 40 - scale(y) * 38]);
    const line = points.map(([x, y]) => x.toFixed(1) + "," + y.toFixed(1)).join(" ");
    return closed ? "0,40 " + line + " 100,40" : line;
  }
  function svg(kind, attributes) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    return e;
  }
  function drawMultiples() {
    const method = data.fidelity[$("method").value];
    $("multiples-note").textContent = method.columns.length > 56 ? "The first 56 of " + method.columns.length + " columns" : "All columns";
    $("multiples").replaceChildren(...method.columns.slice(0, 56).map((entry, i) => {
      const before = originalOf(entry), now = decodedOf(entry), name = data.columns[entry.column].name;
      const most = Math.max(1, ...before.counts, ...now.counts);
      const picture = svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" });
      picture.append(svg("polygon", { points: path(before, most, true), fill: withAlpha(grey(), 0.45) }),
                     svg("polyline", { points: path(now, most, false), fill: "none", stroke: after(), "stroke-width": 1.2, "vector-effect": "non-scaling-stroke" }));
      const button = document.createElement("button"), title = document.createElement("b"), note = document.createElement("small");
      button.type = "button";
      button.title = name;
      title.textContent = name;
      note.textContent = entry.decoded === undefined ? "exact" : "error ≤ " + digits(entry.max);
      button.append(title, picture, note);
      button.addEventListener("click", () => { $("column").value = i; drawColumn(); });
      return button;
    }));
  }
  function fillColumns() {
    const kept = $("column").selectedIndex;
    options("column", data.fidelity[$("method").value].columns.map((e) => data.columns[e.column].name));
    if (kept > 0 && kept < $("column").length) $("column").selectedIndex = kept;
  }

  // ---- selects, sorting, theme
  function options(id, texts) {
    $(id).replaceChildren(...texts.map((text, i) => new Option(shorten(text, 60), i)));
  }
  function sortable(table) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, k) => {
      head.tabIndex = 0;
      head.setAttribute("aria-sort", "none");
      const sort = () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        [...table.tHead.rows[0].cells].forEach((h) => h.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[k]?.dataset.sort ?? "";
        const compare = (a, b) => {
          const x = key(a), y = key(b);
          if (x === "" || y === "") return (x === "") - (y === ""); // unknown and failed stay last
          const order = k < 2 ? x.localeCompare(y, "en", { numeric: true }) : Number(x) - Number(y);
          return up ? order : -order;
        };
        body.append(...[...body.rows].sort(compare));
      };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); sort(); } });
    });
  }
  function drawAll() {
    drawPareto();
    if (data.phases.rows.length) drawPhases();
    if (data.runs.length) drawRun();
    if (data.fidelity.length) { drawMultiples(); drawColumn(); }
  }
  sortable($("summary"));
  const withSamples = data.runs.filter((r) => r.t.length > 1);
  $("time-empty").hidden = withSamples.length > 0;
  if (!withSamples.length) { for (const id of ["memory", "cpu", "power", "run"]) $(id).parentElement.hidden = true; }
  data.runs = withSamples;
  options("run", data.runs.map((r) => label(r) + " (" + si(r.wall, "s") + ")"));
  $("run").value = data.runs.reduce((best, r, i) => (r.wall > data.runs[best].wall ? i : best), 0); // most to see
  $("run").addEventListener("change", drawRun);
  $("columns-empty").hidden = data.fidelity.length > 0;
  $("distributions").hidden = data.fidelity.length === 0;
  if (data.fidelity.length) {
    options("method", data.fidelity.map(label));
    const unbounded = data.fidelity.findIndex((f) => f.bound === "none");
    $("method").value = unbounded >= 0 ? unbounded : Math.max(0, data.fidelity.findIndex((f) => f.columns.some((c) => c.error))); // most to see
    $("method").addEventListener("change", () => { fillColumns(); drawMultiples(); drawColumn(); });
    $("column").addEventListener("change", drawColumn);
    $("log").addEventListener("change", () => { drawMultiples(); drawColumn(); });
    fillColumns();
  }
  start(drawAll);
})();
