"use strict";
// The entries as columns, and which of them are shown in which order.  Knows no elements.

photobatch.model = (() => {
  const TABLES = ["step", "endpoint", "state", "before", "cause"];
  const columns = {};
  const tables = {};
  const places = {};
  const changed = new Set();
  let byName = null;
  for (const name of TABLES) { tables[name] = []; places[name] = new Map(); }

  function intern(name, value) {
    if (!places[name].has(value)) { places[name].set(value, tables[name].length); tables[name].push(value); }
    return places[name].get(value);
  }

  function add(chunk) {
    translate(chunk);
    for (const [name, values] of Object.entries(chunk.columns)) {
      const column = (columns[name] ||= []);
      for (const value of values) column.push(value);
    }
    byName = null;
  }

  // A newer state of some entries: what has the same key and step is replaced.
  function merge(chunk) {
    translate(chunk);
    const index = names();
    const touched = [];
    for (let n = 0; n < chunk.columns.id.length; n++) {
      const name = `${chunk.columns.key[n]}\0${tables.step[chunk.columns.step[n]]}`;
      const at = index.has(name) ? index.get(name) : size();
      index.set(name, at);
      for (const [column, values] of Object.entries(chunk.columns)) (columns[column] ||= [])[at] = values[n];
      touched.push(at);
      changed.add(at);
    }
    return touched;
  }

  function translate(chunk) {
    for (const name of TABLES) {
      const map = chunk.tables[name].map((value) => intern(name, value));
      chunk.columns[name] = chunk.columns[name].map((place) => map[place]);
    }
  }

  function names() {
    if (!byName) {
      byName = new Map();
      for (let n = 0; n < size(); n++) byName.set(`${columns.key[n]}\0${tables.step[columns.step[n]]}`, n);
    }
    return byName;
  }

  const size = () => (columns.id ? columns.id.length : 0);
  const of = (name, n) => tables[name][columns[name][n]];
  const value = (name, n) => columns[name][n];

  function path(n) {
    const output = columns.path[n];
    if (!output) return "";
    const full = output.includes("/") ? output : `images/${columns.key[n]}/${of("step", n)}.${output}`;
    return url(full);
  }
  const url = (relative) => `../${relative.split("/").map(encodeURIComponent).join("/")}`;
  const copy = (kind, name) => (name ? `${kind}/${name.slice(0, 2)}/${name}.webp` : "");
  const thumb = (n) => copy("thumbs", columns.thumb[n]) || path(n);
  const before = (n) => copy("thumbs", of("before", n));
  const preview = (n) => copy("previews", of("before", n));

  // What is chosen: text, and for each facet a set of values; an empty set means all.
  const FACETS = ["state", "step", "endpoint", "decision", "flag", "cause"];
  const chosen = { text: "", sort: "row" };
  for (const name of FACETS) chosen[name] = new Set();

  function flagsOf(n) {
    const names = Object.keys(photobatch.info.flags);
    return names.filter((_, bit) => columns.flags[n] & (1 << bit));
  }

  function matches(facet, n) {
    const set = chosen[facet];
    if (!set.size) return true;
    if (facet === "flag") return flagsOf(n).some((name) => set.has(name)) || (set.has("none") && !columns.flags[n]);
    return set.has(valueOf(facet, n));
  }
  function valueOf(facet, n) {
    if (facet === "decision") return photobatch.decisions.of(n);
    return of(facet, n);
  }

  function shown() {
    const text = chosen.text.trim().toLowerCase();
    const active = FACETS.filter((name) => chosen[name].size);
    const found = [];
    for (let n = 0; n < size(); n++) {
      if (text && !String(columns.key[n]).toLowerCase().includes(text)) continue;
      if (active.every((facet) => matches(facet, n))) found.push(n);
    }
    return found.sort(ORDERS[chosen.sort] || ORDERS.row);
  }

  // For each facet, how many entries each value would show, given what is chosen elsewhere.
  function counts() {
    const text = chosen.text.trim().toLowerCase();
    const found = Object.fromEntries(FACETS.map((name) => [name, new Map()]));
    const bump = (facet, key) => found[facet].set(key, (found[facet].get(key) || 0) + 1);
    for (let n = 0; n < size(); n++) {
      if (text && !String(columns.key[n]).toLowerCase().includes(text)) continue;
      const fails = FACETS.filter((facet) => !matches(facet, n));
      if (fails.length > 1) continue;
      for (const facet of fails.length ? fails : FACETS) {
        if (facet === "flag") { const own = flagsOf(n); (own.length ? own : ["none"]).forEach((name) => bump(facet, name)); }
        else bump(facet, valueOf(facet, n));
      }
    }
    return found;
  }

  const collator = new Intl.Collator(undefined, { numeric: true });
  const inOrder = (a, b) => columns.row[a] - columns.row[b] || columns.step[a] - columns.step[b] || a - b;
  const falling = (name) => (a, b) => (columns[name][b] ?? -1) - (columns[name][a] ?? -1) || inOrder(a, b);
  const ORDERS = {
    row: inOrder,
    key: (a, b) => collator.compare(columns.key[a], columns.key[b]) || inOrder(a, b),
    cost: falling("cost"),
    latency: falling("latency"),
    newest: falling("at"),
  };

  // Entries of one key, in the order of the recipe.
  function product(n) {
    const found = [];
    for (let other = 0; other < size(); other++) if (columns.key[other] === columns.key[n]) found.push(other);
    return found.sort(inOrder);
  }

  // Consecutive groups of the same key.
  function byProduct(list) {
    const groups = new Map();
    for (const n of list) {
      const key = columns.key[n];
      if (groups.has(key)) groups.get(key).push(n);
      else groups.set(key, [n]);
    }
    return [...groups.values()];
  }

  async function details(n) {
    if (photobatch.served) {
      const answer = await fetch(`../api/entry/${columns.id[n]}`);
      return answer.ok ? answer.json() : {};
    }
    const page = Math.floor(n / photobatch.info.page);
    if (!photobatch.pages.has(page)) await photobatch.load(`data/details-${page}.js?${photobatch.info.made_at}`);
    return photobatch.pages.get(page)[n % photobatch.info.page];
  }

  const causeOf = (n) => photobatch.info.causes.find((cause) => cause.id === of("cause", n)) || null;

  return { intern, causeOf, FACETS, chosen, add, merge, size, of, value, path, url, thumb, before, preview, shown, counts, flagsOf, product, byProduct, details, names, tables };
})();
