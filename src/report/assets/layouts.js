"use strict";
// Draws predicted against measured times from the JSON in #data. Nothing is fetched.
(() => {
  const { data, css, si, draw, logAxis, start } = page;
  const lines = { id: "lines", beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x, y } } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    ctx.clip();
    ctx.strokeStyle = css("--muted");
    for (const factor of [1, 1.2, 0.8]) {
      ctx.setLineDash(factor === 1 ? [4, 4] : []);
      ctx.lineWidth = factor === 1 ? 1 : 0.5;
      ctx.beginPath();
      ctx.moveTo(x.getPixelForValue(x.min), y.getPixelForValue(x.min * factor));
      ctx.lineTo(x.getPixelForValue(x.max), y.getPixelForValue(x.max * factor));
      ctx.stroke();
    }
    ctx.restore();
  } };
  function drawPredicted() {
    const all = data.layouts.flatMap((l) => l.points.flatMap(([m, p]) => [m, p])).filter((v) => v > 0);
    if (!all.length) return;
    const low = Math.min(...all) / 1.3, high = Math.max(...all) * 1.3;
    const datasets = data.layouts.map(({ name, points }, i) => ({ label: name, pointRadius: 3,
      data: points.map(([m, p, what]) => ({ x: m, y: p, what })),
      borderColor: css("--p" + (i % 10)), backgroundColor: css("--p" + (i % 10)) + "99" }));
    draw("predicted", { type: "scatter", plugins: [lines], data: { datasets },
      options: { scales: { x: logAxis("measured", "s", low, high), y: logAxis("predicted", "s", low, high) },
        plugins: { tooltip: { callbacks: { label: ({ raw }) =>
          [raw.what, "measured " + si(raw.x, "s"), "predicted " + si(raw.y, "s")] } } } } });
  }
  start(drawPredicted);
})();
