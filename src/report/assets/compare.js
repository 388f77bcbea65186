"use strict";
// Draws the pairs of a comparison from the JSON in #data: one chart a metric, A across, B up. Nothing is fetched.
(() => {
  const { data, css, si, draw, axis, start } = page;
  const diagonal = { id: "diagonal", beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x, y } } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    ctx.clip();
    ctx.strokeStyle = css("--muted");
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x.getPixelForValue(x.min), y.getPixelForValue(x.min));
    ctx.lineTo(x.getPixelForValue(x.max), y.getPixelForValue(x.max));
    ctx.stroke();
    ctx.restore();
  } };
  function drawMetric({ id, name, unit, points }) {
    const all = points.flat(), low = Math.min(...all), high = Math.max(...all);
    const pad = (high - low || Math.abs(high) || 1) * 0.08;
    const scale = (title) => axis(title, unit, { type: "linear", min: Math.max(0, low - pad), max: high + pad, ticks: { maxTicksLimit: 6 } });
    draw(id, { type: "scatter", plugins: [diagonal],
      data: { datasets: [{ data: points.map(([a, b]) => ({ x: a, y: b })), pointRadius: 4, borderColor: css("--link"), backgroundColor: css("--link") + "99" }] },
      options: { scales: { x: scale(name + " of A"), y: { ...scale(name + " of B"), afterFit: (s) => { s.width = 92; } } },
        plugins: { legend: { display: false }, tooltip: { callbacks: { label: ({ dataIndex, raw }) =>
          ["pair " + (dataIndex + 1), "A " + si(raw.x, unit), "B " + si(raw.y, unit)] } } } } });
  }
  start(() => data.metrics.forEach(drawMetric));
})();
