"use strict";
// Small charts as SVG, each with its numbers in words for those who do not see it.

photobatch.charts = (() => {
  const SPACE = "http://www.w3.org/2000/svg";

  function svg(name, attributes, ...children) {
    const node = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  // bars: [{label, parts: [{value, kind}]}], drawn side by side; every `each`th label is shown.
  function bars(list, { label, height = 120, width = 320, each = 1 }) {
    const most = Math.max(1, ...list.map((bar) => bar.parts.reduce((sum, part) => sum + part.value, 0)));
    const step = Math.min(40, width / Math.max(list.length, 1));
    const chart = svg("svg", { viewBox: `0 0 ${width} ${height + 18}`, role: "img", "aria-label": label, class: "chart" });
    chart.append(svg("line", { x1: 0, x2: width, y1: height, y2: height, class: "axis" }));
    list.forEach((bar, n) => {
      let top = height;
      for (const part of bar.parts) {
        const size = (part.value / most) * (height - 14);
        if (!size) continue;
        top -= size;
        const title = svg("title", {});
        title.textContent = `${bar.label}: ${bar.parts.map((one) => `${one.value} ${one.name}`).join(", ")}`;
        chart.append(svg("rect", { x: n * step + 1, y: top, width: Math.max(1, step - 2), height: size, class: part.kind }, title));
      }
      if (n % each === 0) {
        const text = svg("text", { x: n * step + 1, y: height + 13 });
        text.textContent = bar.label;
        chart.append(text);
      }
    });
    const top = svg("text", { x: width, y: 10, "text-anchor": "end" });
    top.textContent = `most ${most}`;
    chart.append(top);
    return chart;
  }

  return { bars };
})();
