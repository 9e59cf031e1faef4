"use strict";
// What the person at the page decides.  From disk: kept in the browser until exported; served: sent to the ledger.

photobatch.decisions = (() => {
  const { model, dom } = photobatch;
  const REJECT = "reject", APPROVE = "approve";
  let mine = {}; // by task id: {d: decision, n: note, s: {name: value}}
  let timer = 0;
  let listener = () => {};
  const place = () => `photobatch:${photobatch.info.folder}`;

  function restore() {
    if (photobatch.served) return;
    try { mine = JSON.parse(localStorage.getItem(place()) || "{}"); } catch { mine = {}; }
  }
  // Decisions about tasks that were redriven since are no longer ours to export.
  function tidy() {
    const alive = new Set();
    for (let n = 0; n < model.size(); n++) alive.add(String(model.value("id", n)));
    for (const id of Object.keys(mine)) if (!alive.has(id)) delete mine[id];
  }
  function keep() {
    clearTimeout(timer);
    timer = setTimeout(keepNow, 150);
  }
  function keepNow() {
    clearTimeout(timer);
    if (photobatch.served || !photobatch.info) return;
    try { localStorage.setItem(place(), JSON.stringify(mine)); }
    catch { dom.say("This browser keeps no more decisions. Export them before you close the page."); }
  }

  // approved, rejected, redo (rejected before, not made yet), or none
  function of(n) {
    const own = mine[model.value("id", n)];
    if (own && own.d) return own.d === APPROVE ? "approved" : "rejected";
    if (model.value("redo", n)) return "redo";
    return model.value("decision", n) === 1 ? "approved" : "none";
  }
  const about = (n) => mine[model.value("id", n)] || { d: "", n: "", s: {} };

  function can(n, decision) {
    const state = model.of("state", n);
    return decision === APPROVE ? state === "done" : state === "done" || state === "failed";
  }

  async function decide(n, decision, { note, set } = {}) {
    if (!can(n, decision)) {
      dom.say(decision === APPROVE ? "There is no output to approve yet." : `A task that is ${dom.state(model.of("state", n))} cannot be rejected.`);
      return false;
    }
    const before = about(n);
    const entry = { d: decision, n: note ?? before.n, s: decision === REJECT ? set ?? before.s : {} };
    if (photobatch.served) return send(n, entry);
    mine[model.value("id", n)] = entry;
    keep();
    listener(n);
    return true;
  }

  async function undo(n) {
    if (photobatch.served) return send(n, { d: "", n: "", s: {} });
    if (!(model.value("id", n) in mine)) {
      if (model.value("decision", n) === 1) dom.say("This approval is in the ledger already; reject the output to have it made anew.");
      return false;
    }
    delete mine[model.value("id", n)];
    keep();
    listener(n);
    return true;
  }

  // A note or a change written before the decision waits for it.
  function draft(n, note, set) {
    const before = about(n);
    const entry = { ...before, n: note, s: set };
    if (photobatch.served && !before.d) { mine[model.value("id", n)] = entry; return; }
    if (photobatch.served) return;
    if (!entry.d && !note && !Object.keys(set).length) delete mine[model.value("id", n)];
    else mine[model.value("id", n)] = entry;
    keep();
    if (entry.d) listener(n);
  }

  // Served, an approval is in the ledger before its note is written: it is told again, with the note.
  async function amend(n, note) {
    if (photobatch.served && model.value("decision", n) === 1) await send(n, { d: APPROVE, n: note, s: {} });
  }

  async function send(n, entry) {
    const id = model.value("id", n);
    try {
      const answer = await fetch("../api/decide", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ task: id, decision: entry.d, note: entry.n, set: entry.s }),
      });
      const said = await answer.json();
      if (said.error) { dom.say(said.error); return false; }
      delete mine[id];
      model.merge(said.entries);
      if (said.warning) dom.say(said.warning);
      listener(n);
      return true;
    } catch {
      dom.say("The server did not answer; is `photobatch report --serve` still running?");
      return false;
    }
  }

  function tally() {
    let approved = 0, rejected = 0, mineToo = 0;
    for (let n = 0; n < model.size(); n++) {
      const word = of(n);
      if (word === "approved") approved += 1;
      if (word === "rejected" || word === "redo") rejected += 1;
    }
    for (const entry of Object.values(mine)) if (entry.d) mineToo += 1;
    return { approved, rejected, unsaved: photobatch.served ? 0 : mineToo };
  }

  // decisions.csv: what `photobatch resume DIR --decisions` reads.
  function csv() {
    const lines = ["key,step,decision,note,set,task_id"];
    const order = [];
    for (let n = 0; n < model.size(); n++) if (mine[model.value("id", n)]?.d) order.push(n);
    for (const n of order) {
      const id = model.value("id", n);
      const { d, n: note, s } = mine[id];
      const set = Object.entries(s).map(([name, value]) => `${name}=${String(value).replaceAll(";", "\\;")}`).join(";");
      lines.push([model.value("key", n), model.of("step", n), d, distinct(n, d, note), set, id].map(cell).join(","));
    }
    return `${lines.join("\n")}\n`;
  }
  // Two rejections of one product with the same words would count as one file applied twice.
  function distinct(n, decision, note) {
    const earlier = photobatch.info.earlier[model.value("id", n)] || [];
    const text = note.replace(/\s+/g, " ").trim();
    if (decision !== REJECT || !earlier.includes(text)) return text;
    let number = earlier.length + 1;
    while (earlier.includes(`${text} (${number})`.trim())) number += 1;
    return `${text} (${number})`.trim();
  }
  function cell(value) {
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",;\n\r\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function download() {
    const link = dom.el("a", { href: URL.createObjectURL(new Blob([csv()], { type: "text/csv" })), download: "decisions.csv" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  addEventListener("pagehide", keepNow);
  return { restore, tidy, of, about, can, decide, undo, draft, amend, tally, csv, download, keepNow, onChange(f) { listener = f; } };
})();
