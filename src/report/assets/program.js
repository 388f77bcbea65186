"use strict";
// Draws the charts of a metered program's report from the JSON in #data. Nothing is fetched.
(() => {
  const { data, $, dark, pick, css, withAlpha, digits, si, draw, axis, start } = page;
  // Okabe and Ito, safe for colour-blind readers.
  const lineColours = { light: ["#0072b2", "#d55e00", "#595959", "#007a5a", "#a8548a", "#8a6d00"],
                        dark: ["#56b4e9", "#ff9a4d", "#a8adb2", "#2fc79b", "#e39cc3", "#f0e442"] };
  const dashes = [[], [7, 3], [2, 3]];
  const phaseColour = (phase) => css(data.colours[phase]);

  const bands = { id: "bands", beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x } } = chart;
    ctx.save();
    for (const [phase, from, to] of data.shade) {
      ctx.fillStyle = withAlpha(phaseColour(phase), dark() ? 0.34 : 0.28);
      const left = Math.max(area.left, x.getPixelForValue(from)), right = Math.min(area.right, x.getPixelForValue(to));
      ctx.fillRect(left, area.top, Math.max(0.5, right - left), area.bottom - area.top);
    }
    ctx.restore();
  } };
  // lines: [{ name, points: [{x, y}], stepped }]
  function drawLines(id, lines, title, unit) {
    const own = (k) => (lines.length === 1 ? css("--text") : pick(lineColours)[k % 6]);
    draw(id, { type: "line", plugins: [bands],
      data: { datasets: lines.map((line, k) => ({ label: line.name, data: line.points, stepped: line.stepped ? "before" : false, borderColor: own(k),
        backgroundColor: own(k), borderDash: lines.length > 1 ? dashes[Math.floor(k / 6) % 3] : [], borderWidth: 1.6, spanGaps: false,
        pointRadius: line.points.length < 30 && !line.stepped ? 2.5 : 0, pointHitRadius: 8 })) },
      options: { interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: { x: axis("time since the start", "s", { type: "linear", min: 0, max: data.wall || undefined }),
                  y: axis(title, unit, { beginAtZero: true, ticks: { maxTicksLimit: 6 }, afterFit: (scale) => { scale.width = 88; } }) },
        plugins: { legend: { display: lines.length > 1, position: "top", align: "start", labels: { boxHeight: 1, boxWidth: 22 } },
          tooltip: { callbacks: { title: (items) => (items.length ? si(items[0].parsed.x, "s") : ""),
            label: (item) => item.dataset.label + ": " + (unit ? si(item.parsed.y, unit) : digits(item.parsed.y)) } } } } });
  }
  const series = (values) => data.samples.t.map((t, i) => ({ x: t, y: values[i] }));
  // A mean over the stretch before each sample: drawn as a step that ends there.
  const means = (values) => [{ x: 0, y: values[0] }, ...series(values)].map((p, i, all) => ({ x: p.x, y: all[Math.min(i + 1, all.length - 1)].y }));

  function drawAll() {
    if (data.power.length)
      drawLines("power", data.power.map((p) => ({ name: p.name, stepped: true,
        points: p.t.map((t, i) => ({ x: t, y: p.W[Math.min(i, p.W.length - 1)] })) })), "power", "W");
    if (data.samples.t.length > 1) {
      drawLines("memory", [{ name: "resident memory", points: series(data.samples.memory) }], "resident memory", "B");
      drawLines("cpu", [{ name: "CPUs in use", stepped: true, points: means(data.samples.cores) }], "CPUs in use", "");
      drawLines("transfers", [{ name: "read calls", stepped: true, points: means(data.samples.read) },
                              { name: "write calls", stepped: true, points: means(data.samples.written) }], "transfers", "B/s");
      if (data.samples.processes)
        drawLines("processes", [{ name: "processes", points: series(data.samples.processes) },
                                { name: "threads", points: series(data.samples.threads) }], "alive", "");
    }
  }
  start(drawAll);
})();
