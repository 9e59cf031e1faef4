"use strict";
// The facets beside the images: what may be chosen, how many each choice would show.

photobatch.filters = (() => {
  const { model, dom } = photobatch;
  const { el } = dom;
  const TITLES = { state: "State", step: "Step", endpoint: "Endpoint", decision: "Decision", flag: "Worth a look", cause: "Cause" };
  const ORDER = ["decision", "flag", "state", "step", "endpoint", "cause"];
  const DECISIONS = { none: "not decided", approved: "approved", rejected: "rejected", redo: "rejected, not made yet" };
  let listener = () => {};

  function label(facet, value) {
    if (facet === "decision") return DECISIONS[value];
    if (facet === "state") return dom.state(value);
    if (facet === "flag") return value === "none" ? "nothing noticed" : photobatch.tiles.SHORT[value];
    if (facet === "cause") return photobatch.info.causes.find((cause) => cause.id === value)?.message || "gone";
    return value;
  }

  function values(facet, counted) {
    const found = new Set([...counted.keys(), ...model.chosen[facet]]);
    if (facet === "cause") found.delete("");
    if (facet === "flag") return [...Object.keys(photobatch.info.flags).filter((name) => found.has(name)), ...(found.size > 1 && found.has("none") ? ["none"] : [])];
    if (facet === "decision") return Object.keys(DECISIONS).filter((name) => found.has(name));
    return [...found];
  }

  function draw() {
    const counts = model.counts();
    const box = dom.byId("filters");
    const focused = document.activeElement?.id;
    box.replaceChildren(...ORDER.map((facet) => group(facet, counts[facet])).filter(Boolean));
    if (focused) dom.byId(focused)?.focus({ preventScroll: true });
    chips();
  }

  function group(facet, counted) {
    const listed = values(facet, counted);
    if (listed.length < 2 && !model.chosen[facet].size) return null;
    if (facet === "endpoint" && listed.length === values("step", counted).length && !model.chosen.endpoint.size && listed.length > 8) return null;
    return el("fieldset", {}, el("legend", {}, TITLES[facet]), ...listed.map((value, n) => choice(facet, value, counted.get(value) || 0, n)));
  }

  function choice(facet, value, number, n) {
    const id = `f-${facet}-${n}`;
    const box = el("input", { type: "checkbox", id, checked: model.chosen[facet].has(value), onchange: () => toggle(facet, value) });
    const text = label(facet, value);
    return el("label", { htmlFor: id, title: facet === "flag" ? photobatch.info.flags[value] || text : text, class: number ? "" : "empty" }, box, el("span", {}, text), el("span.count", {}, dom.count(number)));
  }

  function toggle(facet, value, only = false) {
    const set = model.chosen[facet];
    if (only) set.clear();
    if (set.has(value) && !only) set.delete(value);
    else set.add(value);
    listener();
  }

  function chips() {
    const box = dom.byId("chips");
    const active = ORDER.flatMap((facet) => [...model.chosen[facet]].map((value) => [facet, value]));
    box.replaceChildren(...active.map(([facet, value]) =>
      el("button", { type: "button", title: `Remove: ${TITLES[facet]} ${label(facet, value)}`, onclick: () => toggle(facet, value) }, el("span", {}, label(facet, value)), " ×")));
    if (active.length > 1) box.append(el("button.plain", { type: "button", onclick: clear }, "clear all"));
  }

  function clear() {
    for (const facet of model.FACETS) model.chosen[facet].clear();
    model.chosen.text = dom.byId("search").value = "";
    listener();
  }

  // The choice in the address, so that a reload or a bookmark shows the same.
  function toHash(view) {
    const words = new URLSearchParams();
    if (view !== "images") words.set("view", view);
    if (model.chosen.text) words.set("q", model.chosen.text);
    if (model.chosen.sort !== "row") words.set("sort", model.chosen.sort);
    for (const facet of model.FACETS) for (const value of model.chosen[facet]) words.append(facet, value);
    try { history.replaceState(null, "", `#${words}`); } catch { /* some browsers keep no history for files */ }
  }
  function fromHash() {
    const words = new URLSearchParams(location.hash.slice(1));
    model.chosen.text = words.get("q") || "";
    model.chosen.sort = words.get("sort") || "row";
    for (const facet of model.FACETS) model.chosen[facet] = new Set(words.getAll(facet));
    return words.get("view") || "images";
  }

  return { draw, toggle, clear, toHash, fromHash, onChange(f) { listener = f; }, label };
})();
