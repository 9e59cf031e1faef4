"use strict";
// Puts the parts together: views, keys, what is drawn when something changes.

(() => {
  const { model, dom, decisions, filters, grid, viewer, failures, money, live } = photobatch;
  const { byId } = dom;
  const VIEWS = ["images", "products", "failures", "money"];
  const MOVES = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "Enter", " "];
  let view = "images";

  function redraw() {
    const images = view === "images" || view === "products";
    for (const button of document.querySelectorAll("[data-view]")) {
      if (button.dataset.view === view) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    byId("grid").hidden = byId("bar").hidden = byId("filters").hidden = !images;
    byId("failures").hidden = view !== "failures";
    byId("money").hidden = view !== "money";
    byId("nothing").hidden = true;
    if (view === "failures") failures.draw(() => go("images"));
    if (view === "money") money.draw();
    if (images) drawImages();
    counts();
    filters.toHash(view);
  }

  function drawImages() {
    filters.draw();
    const found = model.shown();
    grid.show(found, view === "products");
    const total = model.size();
    byId("shown").textContent = found.length === total ? dom.plural(total, "task") : `${dom.count(found.length)} of ${dom.plural(total, "task")}`;
    byId("nothing").hidden = found.length > 0;
    byId("nothing").textContent = total ? "Nothing matches what is chosen." : "The ledger has no tasks yet.";
  }

  function counts() {
    const { approved, rejected, unsaved } = decisions.tally();
    const words = [approved ? `${dom.count(approved)} approved` : "", rejected ? `${dom.count(rejected)} rejected` : ""].filter(Boolean);
    byId("decided").textContent = words.join(", ");
    byId("export").disabled = !unsaved;
    byId("export").hidden = photobatch.served;
    const wrong = photobatch.info.causes.reduce((sum, cause) => sum + cause.count, 0);
    byId("failure-count").textContent = wrong ? dom.count(wrong) : "";
  }

  function go(name) { view = VIEWS.includes(name) ? name : "images"; redraw(); }

  const typing = (target) => target.matches("textarea, select, input:not([type=range]):not([type=checkbox])");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.id === "search") { byId("grid").focus(); return; }
    if (typing(event.target)) return;
    const nowhere = event.target === document.body && !viewer.isOpen && !byId("shortcuts").open;
    if (nowhere && ["images", "products"].includes(view) && MOVES.includes(event.key)) {  // nothing was clicked yet
      event.preventDefault();
      byId("grid").focus({ preventScroll: true });
      byId("grid").dispatchEvent(new KeyboardEvent("keydown", { key: event.key, cancelable: true }));
      return;
    }
    const n = viewer.isOpen ? viewer.current : grid.active;
    const deciding = viewer.isOpen || (["images", "products"].includes(view) && n >= 0 && model.size() > n);
    const keys = {
      "/": () => { if (!viewer.isOpen) byId("search").select(); },
      "?": () => byId("shortcuts").showModal(),
      ...(deciding && !byId("shortcuts").open ? {
        a: () => (viewer.isOpen ? viewer.decide("approve") : decisions.decide(n, "approve")),
        r: () => (viewer.isOpen ? viewer.decide("reject") : decisions.decide(n, "reject")),
        u: () => decisions.undo(n),
        n: async () => { if (!viewer.isOpen) await viewer.open(n); byId("note")?.focus(); },
      } : {}),
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  let wait = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(wait);
    wait = setTimeout(() => { model.chosen.text = event.target.value; if (!["images", "products"].includes(view)) view = "images"; redraw(); }, 120);
  });
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") byId("grid").focus(); });
  byId("sort").addEventListener("change", (event) => { model.chosen.sort = event.target.value; redraw(); });
  byId("size").addEventListener("change", redraw);
  byId("export").addEventListener("click", decisions.download);
  byId("help").addEventListener("click", () => byId("shortcuts").showModal());
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("photobatch:theme", root.dataset.theme); } catch { /* then it lasts as long as the page */ }
  });
  byId("show-filters").addEventListener("click", (event) => {
    const open = document.body.classList.toggle("with-filters");
    event.currentTarget.setAttribute("aria-expanded", String(open));
  });
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => go(button.dataset.view));
  addEventListener("hashchange", () => go(filters.fromHash()));

  filters.onChange(redraw);
  grid.onOpen((n) => viewer.open(n));
  decisions.onChange((n) => {
    grid.refresh(n);
    viewer.refresh(n);
    counts();
    filters.draw();
  });

  let later = 0;
  function changed({ entries }) {
    if (entries) entries.forEach((n) => { viewer.refresh(n); });
    clearTimeout(later);
    later = setTimeout(redraw, 250);
  }

  async function begin() {
    try { const theme = localStorage.getItem("photobatch:theme"); if (theme) document.documentElement.dataset.theme = theme; } catch { /* no storage, no choice */ }
    const { info } = photobatch;
    if (!info) { byId("nothing").hidden = false; byId("nothing").textContent = "The data of this report is missing: run `photobatch report` again."; return; }
    byId("rehearsal").hidden = info.provider !== "sandbox";
    document.title = `${info.folder ? `${info.folder} · ` : ""}photobatch report`;
    view = filters.fromHash();
    byId("search").value = model.chosen.text;
    byId("sort").value = model.chosen.sort;
    byId("size").value = matchMedia("(max-width: 600px)").matches ? "150" : "210";
    decisions.restore();
    info.steps.forEach((step) => model.intern("step", step));
    photobatch.redraw = redraw;
    photobatch.onChunk = (chunk, number) => { model.add(chunk); if (number === 0) redraw(); };
    const chunks = Math.ceil(info.entries / info.chunk);
    await Promise.all(Array.from({ length: chunks }, (_, n) => photobatch.load(`data/entries-${n}.js?${info.made_at}`))).catch((error) => dom.say(String(error.message)));
    decisions.tidy();
    redraw();
    if (info.notes.length) dom.say(info.notes.length > 1 ? `${info.notes[0]} (and ${info.notes.length - 1} more)` : info.notes[0]);
    live.start(changed);
    document.body.dataset.ready = "true";
  }
  begin();
})();
