"use strict";
// Elements and words.  Text always goes in as text: nothing here, or anywhere on this page, parses markup.

photobatch.dom = (() => {
  const byId = (id) => document.getElementById(id);

  // el("button.primary", {type: "button", onclick: f}, "text", child, ...)
  function el(what, attributes = {}, ...children) {
    const [name, ...classes] = what.split(".");
    const node = document.createElement(name);
    if (classes.length) node.classList.add(...classes);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key in node && key !== "list" && key !== "role") node[key] = value;
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  const whole = new Intl.NumberFormat("en-US");
  const cents = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
  const fine = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 4 });

  const money = (usd) => (usd === null || usd === undefined ? "–" : Math.abs(usd) >= 1 || usd === 0 ? cents.format(usd) : fine.format(usd));
  const count = (number) => whole.format(number);
  const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

  function seconds(value) {
    if (value === null || value === undefined) return "–";
    if (value < 10) return `${value.toFixed(1)} s`;
    if (value < 120) return `${Math.round(value)} s`;
    if (value < 7200) return `${Math.round(value / 60)} min`;
    return `${(value / 3600).toFixed(1)} h`;
  }

  const two = (number) => String(number).padStart(2, "0");
  function moment(unix) {
    if (!unix) return "–";
    const at = new Date(unix * 1000);
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  }
  function bytes(size) {
    if (!size) return "–";
    return size < 1e6 ? `${Math.round(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
  }

  const words = { planned: "planned", intent: "being sent", submitted: "under way", done: "done", failed: "failed", in_doubt: "in doubt", invalid: "invalid" };
  const state = (name) => words[name] || name;

  // Code in `backticks` of our own sentences.
  function sentence(text) {
    return text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));
  }

  let timer = 0;
  function say(text, action = null) {
    const box = byId("notes");
    box.replaceChildren(el("span", {}, text));
    if (action) box.append(el("button", { type: "button", onclick: () => { box.hidden = true; action.run(); } }, action.text));
    box.append(el("button.icon", { type: "button", "aria-label": "Dismiss", onclick: () => { box.hidden = true; } }, "×"));
    box.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => { box.hidden = true; }, 8000);
  }

  return { byId, el, money, count, plural, seconds, moment, bytes, state, sentence, say };
})();
