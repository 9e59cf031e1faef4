"use strict";
// What went wrong, grouped by cause, and what to do about it.

photobatch.failures = (() => {
  const { dom, filters } = photobatch;
  const { el, byId } = dom;

  function draw(toImages) {
    const causes = [...photobatch.info.causes].sort((a, b) => b.count - a.count);
    const box = byId("failures");
    if (!causes.length) { box.replaceChildren(el("p.nothing", {}, "Nothing failed.")); return; }
    const total = causes.reduce((sum, cause) => sum + cause.count, 0);
    box.replaceChildren(el("h2", {}, `${dom.plural(total, "task")} not done, ${dom.plural(causes.length, "cause")}`), ...causes.map((cause) => card(cause, toImages)));
  }

  function card(cause, toImages) {
    const where = Object.entries(cause.endpoints).map(([slug, count]) => `${slug} ${dom.count(count)}`).join(", ");
    const show = () => { filters.toggle("cause", cause.id, true); toImages(); };
    return el("article.cause", {},
      el("div.number", {}, dom.count(cause.count)),
      el("div", {},
        el("h3", {}, cause.message),
        el("p.meta", {}, el("span", { class: `badge ${cause.state}` }, dom.state(cause.state)), cause.error_class ? ` ${cause.error_class.replaceAll("_", " ")} · ` : " ", where),
        el("p.remedy", {}, ...dom.sentence(cause.remedy)),
        cause.example && cause.example !== cause.message ? el("details", {}, el("summary", {}, "An example"), el("p.message", {}, cause.example)) : ""),
      el("button", { type: "button", onclick: show }, `Show ${dom.plural(cause.count, "task")}`));
  }

  return { draw };
})();
