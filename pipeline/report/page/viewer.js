"use strict";
// One output, large: its stage, its product's other steps, what is known of it, and the decision.

photobatch.viewer = (() => {
  const { model, dom, decisions, tiles, grid, stage, changes } = photobatch;
  const { el, byId } = dom;
  const box = byId("viewer");
  let current = -1;
  let keys = {};
  let turn = 0;

  async function open(n) {
    current = n;
    const mine = ++turn;
    if (!box.open) box.showModal();
    draw(n, null);
    const details = await model.details(n).catch(() => ({ error: "The details could not be loaded." }));
    if (mine === turn && box.open) draw(n, details, { keepStage: true });
  }

  function draw(n, details, { keepStage = false } = {}) {
    const name = `${model.value("key", n)}, ${model.of("step", n)}`;
    const head = el("header", {},
      el("h2", { id: "viewer-title" }, el("b", {}, model.value("key", n)), " ", el("span", {}, model.of("step", n))),
      el("span.where", {}, `${dom.count(grid.place(n) + 1)} of ${dom.count(grid.order.length)}`),
      el("button.icon", { type: "button", "aria-label": "Previous", onclick: () => go(-1) }, "←"),
      el("button.icon", { type: "button", "aria-label": "Next", onclick: () => go(1) }, "→"),
      el("button.icon", { type: "button", "aria-label": "Close", onclick: close }, "×"));
    const old = keepStage ? box.querySelector(".stage") : null;
    const made = old ? null : stage.stage({ before: model.preview(n), after: model.path(n), name });
    if (made) keys = made.keys;
    const side = el("div.side", { tabindex: 0, role: "region", "aria-label": "Details" }, verdict(n), ...facts(n, details || {}));
    const focused = document.activeElement?.id;
    box.replaceChildren(head, el("div.show", {}, old || made.node, strip(n)), side);
    if (focused && focused !== "viewer" && byId(focused)) byId(focused).focus();
    else box.focus();
    if (details) side.append(redo(n, details), ...tables(details));
  }

  function strip(n) {
    const steps = model.product(n);
    if (steps.length < 2) return "";
    return el("div.steps", { role: "group", "aria-label": "Steps of this product" }, ...steps.map((other) =>
      el("button", { type: "button", "aria-current": other === n ? "true" : null, onclick: () => open(other) },
        model.thumb(other) ? tiles.image(model.thumb(other)) : tiles.hole(other), el("span", {}, model.of("step", other)))));
  }

  function verdict(n) {
    const word = decisions.of(n);
    const about = decisions.about(n);
    const press = (decision, text, key, state) => el("button", { type: "button", id: `do-${decision}`, class: state, "aria-pressed": String(word === state), disabled: !decisions.can(n, decision), onclick: () => decide(decision) }, text, " ", el("kbd", { "aria-hidden": "true" }, key));
    const note = el("textarea", { id: "note", rows: 2, value: about.n, disabled: word === "redo", placeholder: "why, for whoever reads it", oninput: () => decisions.draft(n, note.value, decisions.about(n).s), onchange: () => decisions.amend(n, note.value) });
    return el("section.verdict", {},
      el("div.buttons", {}, press("approve", "Approve", "a", "approved"), press("reject", "Reject", "r", "rejected"),
        el("button.plain", { type: "button", id: "do-undo", disabled: word === "none", onclick: undo }, "Undo ", el("kbd", { "aria-hidden": "true" }, "u"))),
      word === "redo" ? el("p.hint", {}, "It was rejected and is made anew by the next run.") : null,
      el("label", { htmlFor: "note" }, "Note ", el("kbd", { "aria-hidden": "true" }, "n")), note);
  }

  function redo(n, details) {
    if (!decisions.can(n, "reject")) return "";
    const about = decisions.about(n);
    const number = Object.keys(about.s).length;
    return el("details.redo", { open: number > 0 },
      el("summary", {}, "Reject with other parameters"),
      el("p.hint", {}, "What you change here is used when it is made anew. Making it anew is paid for."),
      changes.form(model.of("endpoint", n), details.params || {}, about.s, (set) => decisions.draft(n, byId("note").value, set)),
      el("button", { type: "button", onclick: () => decide("reject") }, "Reject with these parameters"));
  }

  function facts(n, details) {
    const flags = model.flagsOf(n);
    const found = [];
    if (details.error || model.of("cause", n)) {
      found.push(el("section.trouble", {}, el("h3", {}, `${dom.state(model.of("state", n))}${details.error_class ? `: ${details.error_class.replaceAll("_", " ")}` : ""}`),
        el("p.message", {}, details.error || "…"), details.remedy ? el("p.hint", {}, ...dom.sentence(details.remedy)) : null));
    }
    if (flags.length) {
      found.push(el("section.flags", {}, el("h3", {}, "Worth a look"), el("ul", {}, ...flags.map((name) => el("li", {}, photobatch.info.flags[name], name === "colour" && details.seen ? ` (ΔE ${details.seen.delta_e})` : "")))));
    }
    return found;
  }

  function tables(details) {
    const n = current;
    const [width, height] = model.value("shape", n) || [];
    const lines = [
      ["Endpoint", model.of("endpoint", n)],
      ["State", dom.state(model.of("state", n))],
      ["Billed", dom.money(model.value("cost", n))],
      ["Estimated", dom.money(details.estimate)],
      ["Took", dom.seconds(model.value("latency", n))],
      ["Finished", dom.moment(model.value("at", n))],
      ["Size", width ? `${width} × ${height}, ${dom.bytes(details.bytes)}` : null],
      ["Colour shift", details.seen?.delta_e === null || details.seen?.delta_e === undefined ? null : `ΔE ${details.seen.delta_e}`],
      ["Attempts", details.attempts || null],
      ["Seed", details.seed],
      ["Request", details.request_id],
      ["Task", details.id],
      ["Shares the output of", details.reused_from ? `task ${details.reused_from}` : null],
      ["Ledger note", details.note],
    ];
    const more = (details.more || []).map((path) => tiles.image(model.url(path), path));
    const rejected = (details.rejected || []).map((each) => el("figure", {}, each.path ? tiles.image(model.url(each.path), "rejected output") : null,
      el("figcaption", {}, `rejected ${dom.moment(each.decided_at)}${each.note ? `: ${each.note}` : ""}`)));
    return [
      more.length ? el("section", {}, el("h3", {}, "Further images"), el("div.more-images", {}, ...more)) : "",
      rejected.length ? el("section", {}, el("h3", {}, "Rejected before"), el("div.more-images", {}, ...rejected)) : "",
      el("section", {}, el("h3", {}, "Task"), list(lines)),
      el("section", {}, el("h3", {}, "Parameters"), list(Object.entries(details.params || {}))),
      details.row ? el("section", {}, el("h3", {}, "Row of the manifest"), list(Object.entries(details.row))) : "",
    ].filter(Boolean);
  }
  const list = (lines) => el("dl", {}, ...lines.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value)))));

  async function decide(decision) {
    const note = byId("note");
    await decisions.decide(current, decision, { note: note ? note.value : undefined });
  }
  async function undo() { await decisions.undo(current); }

  function go(by) {
    const next = grid.step(by);
    if (next !== current) open(next);
  }
  function close() { box.close(); }

  function refresh(n) {
    if (!box.open || n !== current) return;
    const old = box.querySelector(".verdict");
    const focused = document.activeElement?.id;
    old.replaceWith(verdict(n));
    if (focused && byId(focused)) byId(focused).focus();
    else box.focus();
  }

  box.tabIndex = -1;
  box.addEventListener("close", () => { turn += 1; box.replaceChildren(); byId("grid").focus(); });
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, select, input:not([type=range])")) return;
    const own = { ArrowLeft: () => go(-1), ArrowRight: () => go(1), ...keys };
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    if (own[event.key]) { event.preventDefault(); own[event.key](); }
  });

  return { open, close, refresh, decide, undo, get isOpen() { return box.open; }, get current() { return current; } };
})();
