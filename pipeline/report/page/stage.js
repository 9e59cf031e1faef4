"use strict";
// Before and after on one stage: a slider between them, or side by side; zoom and pan.

photobatch.stage = (() => {
  const { dom, tiles } = photobatch;
  const { el } = dom;
  const MOST = 12;
  const MODES = { slide: "Slider", after: "After", before: "Before" };

  // {before, after}: addresses, either may be empty.  Returns {node, keys}.
  function stage({ before, after, name }) {
    let mode = before && after ? "slide" : after ? "after" : "before";
    let split = 50;
    const view = { scale: 1, x: 0, y: 0 };
    const layers = el("div.layers");
    const lower = before ? el("div.layer", {}, tiles.image(before, `${name}, before`)) : null;
    const upper = after ? el("div.layer", {}, tiles.image(after, `${name}, after`)) : null;
    if (lower) layers.append(lower);
    if (upper) layers.append(upper);
    const handle = el("div.handle", { "aria-hidden": "true" });
    const range = el("input.split", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": "Before on the left, after on the right", oninput: () => { split = Number(range.value); draw(); } });
    const tags = [el("span.tag.left", {}, "before"), el("span.tag.right", {}, "after")];
    const frame = el("div.frame", {}, layers, ...tags, handle);
    const choice = before && after ? Object.entries(MODES).map(([key, text]) => el("button", { type: "button", "data-mode": key, onclick: () => { mode = key; draw(); } }, text)) : [];
    const tools = el("div.tools", {}, el("div.modes", { role: "group", "aria-label": "What is shown" }, ...choice), range,
      el("div.zoom", { role: "group", "aria-label": "Zoom" },
        el("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoom(1 / 1.5) }, "−"),
        el("button.level", { type: "button", "aria-label": "Fit", onclick: fit }, "fit"),
        el("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoom(1.5) }, "+")));
    const node = el("div.stage", {}, frame, tools);
    if (!before && !after) frame.replaceChildren(el("p.hole", {}, "no picture yet"));

    function draw() {
      layers.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
      const sliding = mode === "slide";
      if (lower) lower.hidden = mode === "after";
      if (upper) {
        upper.hidden = mode === "before";
        const box = frame.getBoundingClientRect();
        // The cut stays where the handle is, however the pictures are zoomed and moved below it.
        const cut = (box.width * split / 100 - view.x - (box.width / 2) * (1 - view.scale)) / view.scale;
        upper.style.clipPath = sliding && box.width ? `inset(0 0 0 ${Math.max(0, Math.min(box.width, cut))}px)` : "none";
      }
      handle.hidden = range.hidden = !sliding;
      handle.style.left = `${split}%`;
      tags[0].hidden = !(lower && mode !== "after");
      tags[1].hidden = !(upper && mode !== "before");
      range.value = split;
      for (const button of node.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
      node.querySelector(".level").textContent = view.scale === 1 ? "fit" : `${Math.round(view.scale * 100)} %`;
      frame.classList.toggle("zoomed", view.scale > 1);
    }

    function zoom(by, at = null) {
      const box = frame.getBoundingClientRect();
      const scale = Math.min(MOST, Math.max(1, view.scale * by));
      const point = at ? { x: at.x - box.left - box.width / 2, y: at.y - box.top - box.height / 2 } : { x: 0, y: 0 };
      const ratio = scale / view.scale;
      view.x = point.x - (point.x - view.x) * ratio;
      view.y = point.y - (point.y - view.y) * ratio;
      view.scale = scale;
      clamp(box);
      draw();
    }
    function clamp(box) {
      const roomX = (box.width * (view.scale - 1)) / 2;
      const roomY = (box.height * (view.scale - 1)) / 2;
      view.x = Math.max(-roomX, Math.min(roomX, view.x));
      view.y = Math.max(-roomY, Math.min(roomY, view.y));
    }
    function fit() { view.scale = 1; view.x = view.y = 0; draw(); }
    function slideTo(x) {
      const box = frame.getBoundingClientRect();
      split = Math.max(0, Math.min(100, ((x - box.left) / box.width) * 100));
      draw();
    }

    frame.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, { x: event.clientX, y: event.clientY }); }, { passive: false });
    frame.addEventListener("dblclick", (event) => (view.scale > 1 ? fit() : zoom(2.5, { x: event.clientX, y: event.clientY })));
    const fingers = new Map();
    let sliding = false;
    frame.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      frame.setPointerCapture(event.pointerId);
      const near = Math.abs(event.clientX - handle.getBoundingClientRect().left) < 28;
      sliding = mode === "slide" && (view.scale === 1 || near);
      if (sliding && fingers.size === 1) slideTo(event.clientX);
    });
    frame.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      if (fingers.size === 2) {
        const other = [...fingers.values()].find((each) => each.pointerId !== event.pointerId);
        const span = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        zoom(span(event) / Math.max(1, span(last)), { x: (event.clientX + other.clientX) / 2, y: (event.clientY + other.clientY) / 2 });
      } else if (sliding) slideTo(event.clientX);
      else { view.x += event.clientX - last.clientX; view.y += event.clientY - last.clientY; clamp(frame.getBoundingClientRect()); draw(); }
      fingers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, (event) => fingers.delete(event.pointerId));
    new ResizeObserver(draw).observe(frame);
    draw();

    const keys = {
      "+": () => zoom(1.5),
      "=": () => zoom(1.5),
      "-": () => zoom(1 / 1.5),
      0: fit,
      b: () => { if (choice.length) { const names = Object.keys(MODES); mode = names[(names.indexOf(mode) + 1) % names.length]; draw(); } },
    };
    return { node, keys };
  }

  return { stage };
})();
