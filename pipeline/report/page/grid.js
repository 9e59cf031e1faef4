"use strict";
// The list of outputs, of which only what is in view exists: a hundred thousand scroll like a hundred.
//
// Lines have one height each; the sheet is as high as all of them, and the lines in view are placed on it.  Focus
// stays on the list and `aria-activedescendant` says where we are, so nothing is lost when a line leaves the view.

photobatch.grid = (() => {
  const { model, dom, tiles } = photobatch;
  const { el, byId } = dom;
  const OVERSCAN = 2;
  const list = byId("grid");
  const sheet = byId("sheet");
  let lines = [];       // each a list of entries
  let order = [];       // all entries, in the order shown
  let lineOf = new Map();
  let products = false;
  let columns = 1;
  let lineHeight = 200;
  let width = 200;
  let active = -1;
  const drawn = new Map();
  let opener = () => {};

  function show(found, asProducts) {
    products = asProducts;
    list.classList.toggle("products", products);
    list.setAttribute("aria-label", products ? "Products" : "Outputs");
    const groups = products ? model.byProduct(found) : null;
    measure(groups ? groups.reduce((most, group) => Math.max(most, group.length), 0) + 1 : 0);
    lines = groups || sliced(found);
    order = products ? lines.flat() : found;
    lineOf = new Map();
    lines.forEach((line, place) => line.forEach((n) => lineOf.set(n, place)));
    if (!lineOf.has(active)) active = order.length ? order[0] : -1;
    sheet.style.height = `${lines.length * lineHeight}px`;
    forget();
    draw();
  }

  function sliced(found) {
    const result = [];
    for (let n = 0; n < found.length; n += columns) result.push(found.slice(n, n + columns));
    return result;
  }

  function measure(across) {
    const wanted = Number(byId("size").value);
    const room = list.clientWidth - 16;
    const narrow = room < 520;
    columns = Math.max(narrow ? 2 : 1, Math.floor(room / (wanted + 10)));
    const fitting = Math.floor(room / across) - 10; // a product's input and all its steps side by side, if they can
    width = products ? Math.min(wanted, Math.max(narrow ? 120 : 110, fitting)) : Math.floor(room / columns) - 10;
    lineHeight = width + (products ? 66 : 58);
    sheet.style.setProperty("--side", `${width}px`);
    sheet.style.minWidth = products ? `${across * (width + 10)}px` : "0";
  }

  function forget() {
    for (const node of drawn.values()) node.remove();
    drawn.clear();
  }

  function draw() {
    const first = Math.max(0, Math.floor(list.scrollTop / lineHeight) - OVERSCAN);
    const last = Math.min(lines.length - 1, Math.ceil((list.scrollTop + list.clientHeight) / lineHeight) + OVERSCAN);
    for (const [place, node] of drawn) if (place < first || place > last) { node.remove(); drawn.delete(place); }
    for (let place = first; place <= last; place++) if (!drawn.has(place)) put(place);
    mark();
  }

  function put(place) {
    const node = products ? productLine(lines[place]) : el("div.line", { role: "presentation" }, ...lines[place].map((n) => option(n)));
    node.style.transform = `translateY(${place * lineHeight}px)`;
    node.style.height = `${lineHeight}px`;
    let after = null;
    for (const [other, each] of drawn) if (other > place && (!after || other < after[0])) after = [other, each];
    sheet.insertBefore(node, after ? after[1] : null);
    drawn.set(place, node);
  }

  function productLine(line) {
    const key = model.value("key", line[0]);
    const origin = line.map((n) => model.before(n)).find(Boolean);
    const input = el("div.input", { "aria-hidden": "true" }, el("span.picture", {}, origin ? tiles.image(origin) : el("span.hole", {}, "input is elsewhere")), el("span.caption", {}, el("span", {}, "input")));
    return el("div.line", { role: "group", "aria-label": key }, el("div.key", { "aria-hidden": "true" }, key), el("div.strip", { role: "presentation" }, input, ...line.map((n) => option(n, { caption: false }))));
  }

  function option(n, how) {
    const node = tiles.tile(n, how);
    node.setAttribute("aria-setsize", order.length);
    node.setAttribute("aria-posinset", place(n) + 1);
    node.addEventListener("click", () => { setActive(n); opener(n); });
    return node;
  }

  let placed = null;
  function place(n) {
    if (placed?.order !== order) placed = { order, at: new Map(order.map((each, index) => [each, index])) };
    return placed.at.get(n) ?? -1;
  }

  function mark() {
    for (const node of sheet.querySelectorAll(".tile[aria-selected=true]")) node.setAttribute("aria-selected", "false");
    const node = byId(`e${active}`);
    if (node) {
      node.setAttribute("aria-selected", "true");
      list.setAttribute("aria-activedescendant", node.id);
    } else list.removeAttribute("aria-activedescendant");
  }

  function setActive(n, { scroll = true } = {}) {
    active = n;
    if (scroll && lineOf.has(n)) {
      const top = lineOf.get(n) * lineHeight;
      if (top < list.scrollTop) list.scrollTop = top;
      else if (top + lineHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + lineHeight - list.clientHeight;
    }
    draw();
    byId(`e${n}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function step(by) {
    const at = Math.min(order.length - 1, Math.max(0, place(active) + by));
    if (order.length) setActive(order[at]);
    return active;
  }

  // The same column, so many lines further.
  function stepLine(by) {
    const from = lineOf.get(active) ?? 0;
    const to = lines[Math.min(lines.length - 1, Math.max(0, from + by))];
    if (to) setActive(to[Math.min(to.length - 1, Math.max(0, lines[from].indexOf(active)))]);
  }

  function refresh(n) {
    const at = lineOf.get(n);
    if (at === undefined) return;
    drawn.get(at)?.remove();
    drawn.delete(at);
    draw();
  }

  list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  new ResizeObserver(() => { if (list.clientWidth) photobatch.redraw?.(); }).observe(list);

  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(list.clientHeight / lineHeight));
    const moves = {
      ArrowRight: () => step(1),
      ArrowLeft: () => step(-1),
      ArrowDown: () => stepLine(1),
      ArrowUp: () => stepLine(-1),
      PageDown: () => stepLine(page),
      PageUp: () => stepLine(-page),
      Home: () => order.length && setActive(order[0]),
      End: () => order.length && setActive(order.at(-1)),
      Enter: () => active >= 0 && opener(active),
      " ": () => active >= 0 && opener(active),
    };
    if (moves[event.key]) { event.preventDefault(); moves[event.key](); }
  });

  return { show, refresh, step, setActive, get active() { return active; }, get order() { return order; }, place, onOpen(f) { opener = f; } };
})();
