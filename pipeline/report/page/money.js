"use strict";
// Money and time: what was spent, how estimates held, how long calls took, how the rate went.

photobatch.money = (() => {
  const { dom, charts } = photobatch;
  const { el, byId, money } = dom;
  let runChosen = 0;

  function draw() {
    const info = photobatch.info;
    byId("money").replaceChildren(cards(info), endpoints(info), latency(info), timeline(info), runs(info));
  }

  function cards({ tasks, cost, endpoints: list, provider }) {
    const saved = list.reduce((sum, each) => sum + each.saved_usd, 0);
    const card = (name, value, more = "") => el("div.card", {}, el("span", {}, name), el("b", {}, value), el("small", {}, more));
    return el("div.cards", {},
      card(provider === "sandbox" ? "Billed (rehearsed)" : "Billed", money(cost.billed_usd), cost.superseded_usd > 0 ? `${money(cost.superseded_usd)} of it for what was superseded` : `estimated ${money(cost.estimated_usd)}`),
      card("Done", dom.count(tasks.done), `of ${dom.plural(tasks.total, "task")}`),
      card("Failed", dom.count(tasks.failed + tasks.invalid), tasks.invalid ? `${dom.count(tasks.invalid)} never sent` : ""),
      card("Open", dom.count(tasks.open), cost.reserved_usd ? `${money(cost.reserved_usd)} reserved` : ""),
      tasks.in_doubt ? card("In doubt", dom.count(tasks.in_doubt), `${money(cost.at_stake_usd)} at stake`) : "",
      saved ? card("Saved by sharing", money(saved), dom.plural(tasks.reused, "output")) : "");
  }

  function endpoints({ endpoints: list, latency: { endpoints: times } }) {
    const most = Math.max(...list.map((each) => Math.max(each.billed_usd, each.estimated_usd)), 0.0001);
    const bar = (value, kind) => { const node = el("span.bar-in", { class: `bar-in ${kind}` }); node.style.width = `${(100 * value) / most}%`; return node; };
    const rows = list.map((each) => {
      const share = each.estimated_usd ? each.billed_usd / each.estimated_usd - 1 : 0;
      const drift = Math.abs(share) < 0.005 ? "as estimated" : `${share > 0 ? "+" : "−"}${Math.abs(share * 100).toFixed(0)} %`;
      const time = times[each.endpoint];
      return el("tr", {}, el("th", { scope: "row" }, each.endpoint), el("td.n", {}, dom.count(each.tasks)), el("td.n", {}, dom.count(each.done)), el("td.n", {}, dom.count(each.failed)),
        el("td.bars", { "aria-hidden": "true" }, bar(each.estimated_usd, "estimated"), bar(each.billed_usd, "billed")),
        el("td.n", {}, money(each.estimated_usd)), el("td.n", {}, money(each.billed_usd)), el("td.n", {}, drift),
        el("td.n", {}, time ? dom.seconds(time.median_s) : "–"), el("td.n", {}, time ? dom.seconds(time.p95_s) : "–"));
    });
    const head = ["Endpoint", "Tasks", "Done", "Failed", "", "Estimated", "Billed", "Difference", "Median", "95th percentile"];
    return el("section", {}, el("h2", {}, "By endpoint"), el("p.hint", {}, "Estimates and bills of the calls that were paid for."),
      el("div.scroll", { tabindex: 0, role: "region", "aria-label": "By endpoint" }, el("table", {}, el("thead", {}, el("tr", {}, ...head.map((text, n) => (text ? el("th", { scope: "col", class: n ? "n" : "" }, text) : el("td"))))), el("tbody", {}, ...rows))));
  }

  function latency({ latency: { edges_s: edges, endpoints: list } }) {
    const slugs = Object.keys(list);
    if (!slugs.length) return "";
    return el("section", {}, el("h2", {}, "Latency"), el("p.hint", {}, "Seconds from submission to result."), el("div.charts", {}, ...slugs.map((slug) => {
      const { counts, median_s: median, p95_s: high } = list[slug];
      const last = counts.findLastIndex((count) => count > 0);
      const first = Math.max(0, counts.findIndex((count) => count > 0) - 1);
      const shown = counts.slice(first, last + 2).map((value, n) => ({ label: String(edges[first + n]), parts: [{ value, name: "calls", kind: "billed" }] }));
      const words = `${slug}: half of the calls took up to ${dom.seconds(median)}, 95 of 100 up to ${dom.seconds(high)}`;
      return el("figure", {}, el("figcaption", {}, el("b", {}, slug), ` median ${dom.seconds(median)}, 95th percentile ${dom.seconds(high)}`), charts.bars(shown, { label: words, height: 90, each: Math.ceil(shown.length / 10) }));
    })));
  }

  function timeline({ runs: list }) {
    const sent = list.filter((run) => run.timeline);
    if (!sent.length) return "";
    const run = sent[Math.min(runChosen, sent.length - 1)];
    const { start, bucket_s: bucket, sent: calls, limited, failed } = run.timeline;
    const shown = calls.map((value, n) => ({
      label: new Date((start + n * bucket) * 1000).toTimeString().slice(0, 8),
      parts: [{ value: value - limited[n] - failed[n], name: "calls", kind: "billed" }, { value: failed[n], name: "failed", kind: "bad" }, { value: limited[n], name: "answered 429", kind: "limited" }],
    }));
    const width = Math.max(280, Math.min(1050, byId("money").clientWidth - 60));
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const refused = run.requests ? run.requests.http_429 : sum(limited); // of polls as well
    const words = `${dom.plural(sum(calls), "call")} in ${dom.seconds(calls.length * bucket)}, ${refused} answered 429, ${sum(failed)} failed`;
    const choose = el("select", { "aria-label": "Run", onchange: () => { runChosen = choose.selectedIndex; draw(); } }, ...sent.map((each) => el("option", {}, `${each.command} ${dom.moment(each.started_at)}`)));
    choose.selectedIndex = Math.min(runChosen, sent.length - 1);
    return el("section", {}, el("h2", {}, "Rate over time"), el("p.hint", {}, choose, ` ${words}; one bar is ${dom.seconds(bucket)}.`),
      charts.bars(shown, { label: words, height: 130, width, each: Math.max(1, Math.ceil(shown.length / Math.floor(width / 80))) }),
      el("p.legend", {}, el("span.swatch.billed"), "calls ", el("span.swatch.bad"), "failed ", el("span.swatch.limited"), "answered 429 (too many)"));
  }

  function runs({ runs: list }) {
    const rows = list.map((run) => el("tr", {}, el("th", { scope: "row" }, run.id), el("td", {}, run.command), el("td", {}, dom.moment(run.started_at)),
      el("td.n", {}, run.finished_at ? dom.seconds(run.finished_at - run.started_at) : "not finished"), el("td.n", {}, run.requests ? dom.count(run.requests.submit) : "–"),
      el("td.n", {}, run.requests ? dom.count(run.requests.http_429) : "–"), el("td", {}, run.stopped_by || (run.exit_code === null ? "" : "finished"), run.message ? el("small", {}, ` ${run.message}`) : "")));
    const head = ["Run", "Command", "Started", "Took", "Sent", "429", "Ended"];
    return el("section", {}, el("h2", {}, "Runs"), el("div.scroll", { tabindex: 0, role: "region", "aria-label": "Runs" }, el("table", {}, el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, ...rows))));
  }

  return { draw };
})();
