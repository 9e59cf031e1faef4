"use strict";
// A run that goes on while the page is served: progress, rate, money, newest images, failures, and its buttons.

photobatch.live = (() => {
  const { model, dom, tiles, viewer } = photobatch;
  const { el, byId } = dom;
  const NEWEST = 12;
  const newest = [];
  const failed = [];
  let asked = "";

  function start(changed) {
    if (!photobatch.served) return;
    const source = new EventSource("../api/events");
    source.addEventListener("figures", (event) => {
      const said = JSON.parse(event.data);
      Object.assign(photobatch.info, said.figures);
      if (said.causes) photobatch.info.causes = said.causes;
      draw(said.run);
      changed({ numbers: true });
    });
    source.addEventListener("entries", (event) => {
      const { chunk, fresh } = JSON.parse(event.data);
      const touched = model.merge(chunk);
      if (fresh) touched.forEach(note);
      changed({ entries: touched });
    });
    source.onerror = () => { byId("live").classList.add("silent"); };
    source.onopen = () => { byId("live").classList.remove("silent"); };
  }

  function note(n) {
    const state = model.of("state", n);
    const list = state === "done" ? newest : ["failed", "in_doubt"].includes(state) ? failed : null;
    if (!list) return;
    const at = list.indexOf(n);
    if (at >= 0) list.splice(at, 1);
    list.unshift(n);
    list.length = Math.min(list.length, NEWEST);
  }

  function draw(run) {
    const box = byId("live");
    box.hidden = !run;
    if (!run) return;
    const { tasks, cost } = photobatch.info;
    const over = tasks.total - tasks.open;
    if (run.state === asked || run.state === "gone") asked = "";
    const word = { running: "Running", paused: "Paused", stopping: "Stopping: what is in flight is finished first", gone: "No sign of life" }[run.state] || run.state;
    const button = (command, text, disabled = false) => el("button", { type: "button", id: `run-${command}`, disabled, onclick: () => ask(command) }, text);
    const gone = run.state === "stopping" || run.state === "gone";
    const focused = document.activeElement?.id;
    box.replaceChildren(
      el("div.line-1", {},
        el("b", { role: "status", class: `run-state ${run.state}` }, asked ? `${word}…` : word),
        el("progress", { max: tasks.total || 1, value: over, "aria-label": "Tasks finished" }),
        el("span", {}, `${dom.count(over)} of ${dom.plural(tasks.total, "task")}`),
        el("span", {}, `${dom.count(run.calls_per_minute)} calls/min${run.per_minute ? ` of ${Math.round(run.per_minute)}` : ""}${run.limited_per_minute ? `, ${run.limited_per_minute} × 429` : ""}`),
        el("span", {}, `${dom.money(cost.billed_usd)} spent, ${dom.money(cost.reserved_usd)} reserved`),
        el("span.buttons", {}, run.state === "paused" ? button("run", "Resume", gone) : button("pause", "Pause", gone), button("stop", "Stop", gone))),
      el("div.line-2", {},
        ...newest.map((n) => el("button", { type: "button", "aria-label": tiles.describe(n), onclick: () => viewer.open(n) }, model.thumb(n) ? tiles.image(model.thumb(n)) : "")),
        ...failed.slice(0, 3).map((n) => el("button.failure", { type: "button", onclick: () => viewer.open(n) }, `${model.value("key", n)} ${model.of("step", n)}: ${model.causeOf(n)?.message || "failed"}`))));
    if (focused && byId(focused)) byId(focused).focus();
  }

  async function ask(command) {
    if (command === "stop" && !confirm("Stop the run? What is in flight is finished first, the rest stays open.")) return;
    try {
      const answer = await fetch("../api/control", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ command }) });
      const said = await answer.json();
      if (said.error) dom.say(said.error);
      else asked = { pause: "paused", run: "running", stop: "stopping" }[command];
    } catch {
      dom.say("The server did not answer; is it still running?");
    }
  }

  return { start };
})();
