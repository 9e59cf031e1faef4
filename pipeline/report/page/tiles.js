"use strict";
// One output as a tile, in words and in a picture.

photobatch.tiles = (() => {
  const { model, dom, decisions } = photobatch;
  const { el } = dom;
  const MARKS = { approved: "✓", rejected: "✕", redo: "↻", none: "" };
  const SHORT = { blank: "blank", unchanged: "like the input", shape: "wrong shape", opaque: "not transparent", clipped: "clipped highlights", crushed: "crushed shadows", colour: "colour moved" };

  function describe(n) {
    const parts = [model.value("key", n), model.of("step", n), dom.state(model.of("state", n))];
    const word = decisions.of(n);
    if (word !== "none") parts.push(word === "redo" ? "rejected, not made yet" : word);
    const flags = model.flagsOf(n).map((name) => SHORT[name]);
    if (flags.length) parts.push(`look at: ${flags.join(", ")}`);
    return parts.join(", ");
  }

  function image(source, text = "") {
    const node = el("img", { alt: text, loading: "lazy", decoding: "async", draggable: false });
    node.addEventListener("error", () => node.replaceWith(el("span.hole", {}, "no picture")), { once: true });
    node.src = source;
    return node;
  }

  function hole(n) {
    const state = model.of("state", n);
    return el("span.hole", { class: `hole ${state}` }, dom.state(state));
  }

  function tile(n, { caption = true } = {}) {
    const word = decisions.of(n);
    const picture = el("span.picture", {}, ...(model.thumb(n) ? [image(model.thumb(n))] : [model.before(n) ? image(model.before(n)) : "", hole(n)]));
    picture.classList.toggle("missing", !model.thumb(n));
    if (MARKS[word]) picture.append(el("span.mark", { class: `mark ${word}` }, MARKS[word]));
    const flags = model.flagsOf(n);
    if (flags.length) picture.append(el("span.flag", { title: flags.map((name) => photobatch.info.flags[name]).join("; ") }, flags.length > 1 ? `${flags.length} flags` : SHORT[flags[0]]));
    if (model.value("images", n) > 1) picture.append(el("span.more", {}, `${model.value("images", n)} images`));
    const words = caption
      ? el("span.caption", {}, el("b", {}, model.value("key", n)), el("span", {}, el("span", {}, model.of("step", n)), el("span", {}, dom.money(model.value("cost", n)))))
      : el("span.caption", {}, el("span", {}, el("span", {}, model.of("step", n)), el("span", {}, dom.money(model.value("cost", n)))));
    for (const part of [picture, words]) part.setAttribute("aria-hidden", "true"); // said in one sentence instead
    return el("div.tile", { role: "option", id: `e${n}`, "aria-selected": "false", class: `tile ${word}` }, el("span.hidden", {}, describe(n)), picture, words);
  }

  return { tile, image, hole, describe, SHORT };
})();
