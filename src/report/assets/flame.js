// Boxes are nested <svg>s placed in percent, so that text is clipped and nothing is computed until somebody zooms.
for (const figure of document.querySelectorAll("figure.flame:not([data-ready])")) {
  figure.dataset.ready = "";
  const graph = figure.querySelector("svg"), said = figure.querySelector(".said");
  const field = figure.querySelector("input"), back = figure.querySelector("button");
  const boxes = [...graph.children].map(e => ({
    e, x: parseFloat(e.getAttribute("x")), w: parseFloat(e.getAttribute("width")), y: +e.getAttribute("y"),
    title: e.firstElementChild.textContent }));
  const label = box => {
    let text = box.e.querySelector("text");
    if (!text) {
      text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("x", 3);
      text.setAttribute("y", 12);
      text.textContent = box.title.split("\n")[0];
      box.e.append(text);
    }
  };
  const show = (X, W, Y) => {
    for (const box of boxes) {
      const above = box.y < Y, x = (box.x - X) / W * 100, w = box.w / W * 100;
      const around = above && box.x <= X + 1e-4 && box.x + box.w >= X + W - 1e-4;
      const inside = !above && box.x >= X - 1e-4 && box.x + box.w <= X + W + 1e-4;
      box.e.style.display = around || inside ? "" : "none";
      if (!around && !inside) continue;
      box.e.setAttribute("x", around ? "0%" : x + "%");
      box.e.setAttribute("width", around ? "100%" : w + "%");
      box.e.style.opacity = around ? .6 : 1;
      if (around || w > 1) label(box);
    }
    back.disabled = W > 99.999;
  };
  const at = event => boxes.find(b => b.e === event.target.closest("svg svg"));
  graph.addEventListener("click", event => {
    const box = at(event);
    if (box) show(box.x, box.w, box.y);
  });
  graph.addEventListener("mouseover", event => {
    const box = at(event);
    if (box) said.textContent = box.title.replaceAll("\n", " · ");
  });
  back.addEventListener("click", () => show(0, 100, 0));
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    let end = -1, sum = 0;
    for (const box of [...boxes].sort((a, b) => a.x - b.x || a.y - b.y)) {
      const found = wanted !== "" && box.title.toLowerCase().includes(wanted);
      box.e.classList.toggle("found", found);
      if (found && box.x >= end - 1e-6) {
        end = box.x + box.w;
        sum += box.w;
      }
    }
    said.textContent = wanted === "" ? "" : `found in ${sum.toFixed(1)} % of the time`;
  });
  back.hidden = field.parentElement.hidden = false;
}
