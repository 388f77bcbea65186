"use strict";
// What the scripts of all pages share: the data, numbers, axes, the theme, printing.
const page = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const charts = new Map(); // canvas id -> Chart
  let printing = false;
  const dark = () => !printing && root.dataset.theme === "dark";
  const pick = (pair) => (dark() ? pair.dark : pair.light);
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const withAlpha = (hex, alpha) => hex + Math.round(alpha * 255).toString(16).padStart(2, "0");

  // ---- numbers: three significant digits, SI prefixes
  const prefixes = ["p", "n", "µ", "m", "", "k", "M", "G", "T", "P"];
  function digits(v, trim = false) {
    if (v === null || v === undefined || Number.isNaN(v)) return "–";
    if (v === 0) return "0";
    const a = Math.abs(v);
    if (a < 1e-3 || a >= 1e6) {
      const [m, e] = v.toExponential(2).split("e");
      return m.replace("-", "−") + "×10" + [...String(Number(e))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
    }
    const least = trim ? 1 : 3;
    return v.toLocaleString("en-GB", { minimumSignificantDigits: least, maximumSignificantDigits: 3 }).replace("-", "−");
  }
  const round = (v) => digits(v, true); // for axes: 50, not 50.0
  function si(v, unit, trim = false) {
    if (!v) return "0 " + unit;
    let i = 4;
    while (Math.abs(v) >= 999.5 && i < 9) { v /= 1000; i++; }
    while (Math.abs(v) < 0.9995 && i > 0 && !unit.startsWith("B")) { v *= 1000; i--; }
    return digits(v, trim) + " " + prefixes[i] + unit;
  }

  // ---- chart plumbing
  function draw(id, config) {
    charts.get(id)?.destroy();
    Chart.defaults.color = css("--text");
    Chart.defaults.borderColor = css("--grid");
    Chart.defaults.font.family = css("--sans");
    Chart.defaults.font.size = 12;
    config.options = { animation: false, responsive: true, maintainAspectRatio: false, ...config.options };
    charts.set(id, new Chart($(id), config));
  }
  const axis = (title, unit, extra = {}) => ({
    title: { display: true, text: title },
    grid: { color: css("--grid") },
    ...extra,
    ticks: { callback: (v) => (unit ? si(v, unit, true) : round(v)), maxRotation: 0, autoSkipPadding: 16, includeBounds: false, ...extra.ticks } });
  // A log axis has too many ticks to name them all: 1, 2 and 5 of each decade, or, over a wide range, 1.
  const logAxis = (title, unit, low, high) => axis(title, unit, {
    type: "logarithmic", min: low, max: high,
    grid: { color: (c) => (c.tick?.label ? css("--grid") : "transparent") },
    ticks: { autoSkip: false, callback: (v) => {
      const lead = v / 10 ** Math.floor(Math.log10(v) + 1e-9);
      const decades = Math.log10(high / low);
      const wanted = decades > 2.5 ? [1] : decades > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
      return wanted.some((w) => Math.abs(w - lead) < 1e-6) ? (unit === "B/row" ? round(v) : si(v, unit, true)) : "";
    } } });

  // ---- theme and paper
  // Draws now, and again when the theme changes and for paper.
  function start(drawAll) {
    const redraw = () => { drawAll(); root.dataset.charts = String(charts.size); };
    const theme = $("theme");
    function setTheme(name) {
      root.dataset.theme = name;
      theme.textContent = name === "dark" ? "Light" : "Dark";
      theme.setAttribute("aria-pressed", String(name === "dark"));
    }
    const prefersDark = matchMedia("(prefers-color-scheme: dark)");
    setTheme(prefersDark.matches ? "dark" : "light");
    theme.hidden = false;
    theme.addEventListener("click", () => { setTheme(root.dataset.theme === "dark" ? "light" : "dark"); redraw(); });
    prefersDark.addEventListener("change", (e) => { setTheme(e.matches ? "dark" : "light"); redraw(); });
    let before = "light";
    function print(now) { // paper is white, and narrower than most screens
      if (now) before = root.dataset.theme;
      printing = now;
      root.classList.toggle("printing", now);
      setTheme(now ? "light" : before);
      redraw();
    }
    addEventListener("beforeprint", () => print(true));
    addEventListener("afterprint", () => print(false));
    redraw();
  }
  return { data, root, $, charts, dark, pick, css, withAlpha, digits, round, si, draw, axis, logAxis, start };
})();
