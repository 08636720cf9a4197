// The page of the gateway. Text from services and callers is only ever set as text; colour is for states alone.

const KEPT_AS = "g4f-admin-key";
const MOST_CALLS = 200;
const $ = (id) => document.getElementById(id);

/** Make an element: properties that start with "on" are listeners, `class` and others with "-" are attributes. */
function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
}
const svg = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const setText = (element, text) => { if (element.textContent !== String(text)) element.textContent = text; };
const size = (element, name, share) => { element.style[name] = `${Math.max(0, Math.min(1, share)) * 100}%`; return element; };

// ---- words for numbers

const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  return countdown(seconds);
}
function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
  return plural(Math.floor(whole / 86400), "day");
}
function ago(seconds) {
  if (seconds < 5) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h ago` : `${plural(Math.floor(seconds / 86400), "day")} ago`;
}
function money(usd) {
  if (usd === null || usd === undefined) return "";
  if (usd === 0) return "$0";
  if (usd >= 1000) return `$${Math.round(usd).toLocaleString("en")}`;
  return `$${Number(usd.toPrecision(2)) >= 0.1 ? usd.toFixed(2) : Number(usd.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 12 })}`;
}
const clock = (at) => new Date(at * 1000).toLocaleTimeString("en-GB");
const time = (at) => h("time", { datetime: new Date(at * 1000).toISOString(), title: new Date(at * 1000).toLocaleString() }, clock(at));
const dot = (...words) => words.filter(Boolean).join(" · ");

// ---- asking the gateway

let adminKey = sessionStorage.getItem(KEPT_AS);
let skew = 0; // seconds that the gateway's clock is ahead of this one
const now = () => Date.now() / 1000 + skew;

class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

async function refusal(response) {
  let message = `the gateway answers ${response.status}`;
  try { message = (await response.json()).error.message; } catch { /* not its own words */ }
  return new Refused(response.status, message);
}

async function request(path, options = {}) {
  const headers = { Authorization: `Bearer ${adminKey}`, ...(options.body ? { "Content-Type": "application/json" } : {}) };
  const response = await fetch(path, { cache: "no-store", ...options, headers });
  if (!response.ok) {
    const error = await refusal(response);
    if (response.status === 401) leave(error.message);
    throw error;
  }
  return response;
}

const ask = async (path, method = "GET", body = undefined) =>
  (await request(`/admin/api/${path}`, { method, body: body && JSON.stringify(body) })).json();

/** Yield the events of a response as they come: `{name, data}`, or null for a comment. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message", data = null;
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("data: ")) data = (data ?? "") + line.slice(6);
      }
      yield data === null ? null : { name, data };
    }
  }
}

// ---- what happens now: one stream of events, which is opened again whenever it ends

let watching = null;
const SILENCE_MS = 45000;

function link(state, text) {
  $("link").hidden = false;
  $("link").firstElementChild.className = `mark ${state}`;
  setText($("link-text"), text);
}

async function watch() {
  const own = watching = new AbortController();
  let failures = 0;
  while (watching === own) {
    const attempt = new AbortController();
    own.signal.addEventListener("abort", () => attempt.abort());
    let timer = 0;
    const beat = () => { clearTimeout(timer); timer = setTimeout(() => attempt.abort(), SILENCE_MS); };
    let why = "The gateway does not answer.";
    try {
      beat();
      const response = await request("/admin/api/live", { signal: attempt.signal });
      for await (const event of eventsOf(response)) {
        beat();
        if (!event) continue;
        const data = JSON.parse(event.data);
        if (event.name === "hello") { failures = 0; $("away").hidden = true; link("ok", "live"); hello(data); }
        else if (event.name === "call") arrive(data);
        else if (event.name === "routes") showRoutes(data.routes);
        else if (event.name === "status") showStatus(data);
        else if (event.name === "end") why = "The gateway is stopping.";
        else if (event.name === "dropped") { why = ""; failures = -1; }
      }
    } catch (error) {
      if (error instanceof Refused && error.status !== 401) why = `The gateway refuses: ${error.message}.`;
    }
    clearTimeout(timer);
    if (watching !== own) return;
    failures += 1;
    const wait = Math.min(15, failures === 0 ? 0 : 2 ** (failures - 1));
    for (let left = wait; left > 0 && watching === own; left -= 1) {
      link("bad", "away");
      $("away").hidden = false;
      setText($("away"), `${why} What is shown is old. Trying again${left > 1 ? ` in ${left} s` : ""}…`);
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

function hello(data) {
  skew = data.now - Date.now() / 1000;
  showStatus(data.status);
  showRoutes(data.routes);
  calls.clear();
  $("calls").replaceChildren();
  held = [];
  tellHeld();
  addCalls(data.calls.reverse(), false);
  $("older").hidden = data.calls.length < 60;
  setText($("no-calls"), data.calls.length ? "" : "No call has ended yet.");
}

let status = null;

function showStatus(found) {
  status = found;
  const { calls, failed, refused } = found.last_minute;
  setText($("facts"), dot(
    `${plural(calls, "call")} in the last minute${failed ? `, ${failed} failed` : ""}${refused ? `, ${refused} refused` : ""}`,
    `${found.in_flight} under way`,
    `${found.calls.toLocaleString("en")} since ${clock(found.started_at)}`,
    found.workers > 1 ? `${found.workers} workers` : "",
    found.version,
  ));
  if (document.activeElement !== $("model")) {
    $("model").value ||= found.models[0] ?? "";
    if ($("models").childElementCount !== found.models.length) $("models").replaceChildren(...found.models.map((name) => h("option", { value: name })));
  }
}

// ---- routes

const STATES = {
  ready: ["ok", "answers"], failing: ["warn", "failing"], resting: ["bad", "down"], unusable: ["none", "unusable"],
};
const routes = new Map();

function showRoutes(found) {
  const keys = new Set(found.map((row) => `${row.route} ${row.operation}`));
  for (const [key, own] of routes) if (!keys.has(key)) { own.element.remove(); routes.delete(key); }
  for (const row of found) {
    const key = `${row.route} ${row.operation}`;
    let own = routes.get(key);
    if (!own) routes.set(key, own = newRoute());
    own.show(row);
    $("routes").append(...(own.element.parentNode ? [] : [own.element]));
  }
  tellHeadline(found);
}

function tellHeadline(found) {
  const down = found.filter((row) => row.state === "resting" || row.state === "unusable");
  const failing = found.filter((row) => row.state === "failing");
  const names = (rows) => rows.slice(0, 2).map((row) => row.route).join(", ") + (rows.length > 2 ? " and others" : "");
  let text = found.length === 1 ? "The route answers" : `All ${found.length} routes answer`;
  if (!found.length) text = "There are no routes";
  else if (down.length) text = `${down.length} of ${found.length} routes ${down.length === 1 ? "is" : "are"} down: ${names(down)}`;
  else if (failing.length) text = `${names(failing)} failed last`;
  setText($("headline"), text);
  document.title = `${down.length ? `${down.length} down` : failing.length ? "failing" : "ok"} · g4f_lite gateway`;
}

function newRoute() {
  const cell = (...children) => h("td", { role: "cell" }, ...children);
  const mark = h("span", { class: "mark", "aria-hidden": "true" }), word = h("span"), count = h("span"), until = h("div", { class: "until small dim" });
  const name = h("div", { class: "name mono" }), models = h("div", { class: "small dim" });
  const spark = h("span"), pace = h("span");
  const tried = h("span"), why = h("div", { class: "clamp" }), when = h("button", { type: "button", class: "linked" });
  const act = h("button", { type: "button" });
  const whyCell = cell(why, when);
  whyCell.className = "why";
  const triedCell = cell(tried);
  triedCell.className = "num dim";
  const element = h("tr", { role: "row" },
    cell(h("span", { class: "state" }, mark, word, count), until), cell(name, models),
    cell(h("span", { class: "pace" }, spark, pace)), triedCell, whyCell, cell(act));
  let row = null, drawn = "", acting = false;
  const tick = () => {
    const left = row.until === null ? 0 : row.until - now();
    const rests = row.state === "resting" && left > 0;
    setText(count, rests && left < 3e8 ? `for ${countdown(left)}` : "");
    setText(until, rests ? (left < 3e8 ? `until ${clock(row.until)}` : "until further notice") : "");
    if (row.error) setText(when, ago(now() - row.error.at));
  };
  when.addEventListener("click", () => openCall(row.error.call));
  act.addEventListener("click", async () => {
    if (acting) return;
    acting = true; // not disabled: that would take the focus away
    try {
      const resting = row.state === "resting";
      await ask(`routes/${encodeURIComponent(row.route)}/${resting ? "wake" : "rest"}`, "POST", resting ? undefined : { seconds: 600 });
      say(`${row.route} ${resting ? "is used again" : "rests for ten minutes"}`);
      showRoutes((await ask("routes")).routes);
    } catch (error) { say(error.message); }
    acting = false;
  });
  const show = (found) => {
    row = found;
    const [kind, text] = STATES[row.state];
    mark.className = `mark ${kind}`;
    word.className = `${kind}-word`;
    setText(word, text);
    setText(name, row.route);
    setText(models, dot(row.operation === "chat" ? "" : row.operation, row.models.join(", ")));
    const times = row.first_content;
    if (drawn !== times.join()) {
      drawn = times.join();
      spark.replaceChildren(...(times.length > 1 ? [sparkline(times)] : []));
      const middle = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
      setText(pace, times.length ? duration(middle) : "");
      pace.title = "The median";
    }
    setText(tried, row.failed ? `${row.failed} of ${row.attempts} failed` : row.attempts || "none yet");
    act.hidden = row.state === "unusable";
    setText(act, row.state === "resting" ? "Wake" : "Rest");
    act.setAttribute("aria-label", `${row.state === "resting" ? "Wake" : "Rest for ten minutes"}: ${row.route}`);
    const told = row.by_hand ? "Put to rest by hand" : row.error ? dot(`${row.error.status >= 300 ? `${row.error.status} ` : ""}${row.error.outcome}`, row.error.message) : row.state === "unusable" || row.state === "resting" ? row.reason : "";
    setText(why, told ?? "");
    when.hidden = !row.error || row.by_hand; // not taken out: that would take a click or the focus away
    tick();
  };
  return { element, show, tick };
}

function sparkline(times) {
  const most = Math.max(...times, 1e-9), step = 100 / (times.length - 1);
  const points = times.map((seconds, index) => [index * step, 22 - (seconds / most) * 20]);
  const [x, y] = points.at(-1);
  const label = `The last ${plural(times.length, "time")} to first content, ${duration(Math.min(...times))} to ${duration(most)}`;
  return svg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("polyline", { points: points.map((one) => one.map((n) => n.toFixed(1)).join()).join(" ") }),
    svg("ellipse", { cx: x.toFixed(1), cy: y.toFixed(1), rx: 1.8, ry: 2.1, fill: "currentColor" }));
}

setInterval(() => { for (const own of routes.values()) own.tick(); }, 1000);

// ---- calls

const calls = new Map();
let held = [];

const kindOf = (call) => (call.outcome === "ok" ? "ok" : ["closed", "caller left", "refused"].includes(call.outcome) ? "none" : "bad");
function outcomeOf(call) {
  if (call.outcome === "ok") return call.attempts > 1 ? `ok, ${call.attempts} attempts` : "ok";
  return call.outcome === "closed" ? "caller left" : `${call.status >= 300 ? `${call.status} ` : ""}${call.outcome}`;
}

const arriving = [];

/** Show a call soon, together with those that come meanwhile. */
function arrive(call) {
  awaited.get(call.id)?.(call);
  if (arriving.push(call) === 1) setTimeout(() => addCalls(arriving.splice(0).slice(-MOST_CALLS), true), 100);
}

const isOpen = () => document.querySelector(".call[aria-expanded=true]") !== null;

function addCalls(found, fresh) {
  if (fresh && (isOpen() || scrolledPast())) { held.push(...found); held = held.slice(-MOST_CALLS); return tellHeld(); }
  for (const call of found) {
    if (calls.has(call.id)) continue;
    const own = newCall(call, fresh);
    calls.set(call.id, own);
    let next = $("calls").firstElementChild; // another worker tells its calls a moment later
    while (next && calls.get(next.dataset.id).call.number > call.number) next = next.nextElementSibling;
    $("calls").insertBefore(own.element, next);
  }
  if (found.length) setText($("no-calls"), "");
  while (fresh && calls.size > MOST_CALLS) {
    const last = $("calls").lastElementChild;
    calls.delete(last.dataset.id);
    last.remove();
    $("older").hidden = false;
  }
  filter();
}

const scrolledPast = () => { const box = $("calls").getBoundingClientRect(); return !$("now").hidden && box.top < 40; };

function tellHeld() {
  $("fresh").hidden = held.length === 0;
  setText($("fresh"), held.length >= MOST_CALLS ? "Show the newest calls" : `Show ${plural(held.length, "new call")}`);
}

function release() {
  const found = held;
  held = [];
  tellHeld();
  addCalls(found, false);
}

function newCall(call, fresh) {
  const cell = (text, props = {}) => h("span", { title: text || undefined, ...props }, text ?? "");
  const kind = call.outcome === "ok" && call.attempts > 1 ? "warn" : kindOf(call);
  const body = h("div", { class: "trail", id: `trail-${call.id}`, hidden: true });
  const head = h("button", { type: "button", class: "call", "aria-expanded": "false", "aria-controls": body.id },
    h("span", {}, time(call.at + call.seconds)),
    h("span", { class: "state" }, h("span", { class: `mark ${kind}`, "aria-hidden": "true" }), cell(outcomeOf(call), { class: kind === "bad" ? "bad-word" : "" })),
    cell(call.model || "any"), cell(call.route, { class: "mono" }), cell(call.key),
    cell(duration(call.first_content), { class: "num" }), cell(call.outcome === "refused" ? "" : duration(call.seconds), { class: "num" }), cell(call.usd > 0 && call.usd < 1e-4 ? "< $0.0001" : money(call.usd), { class: "num" }));
  head.addEventListener("click", async () => {
    const open = head.getAttribute("aria-expanded") !== "true";
    head.setAttribute("aria-expanded", String(open));
    body.hidden = !open;
    if (open && !body.childElementCount) await fill(body, call);
    if (!isOpen() && held.length && !scrolledPast()) release();
  });
  const element = h("li", { class: fresh ? "new" : "", "data-id": call.id }, head, body);
  return { element, head, call };
}

async function fill(body, call) {
  try {
    body.replaceChildren(...trailOf(call.steps ? call : (await ask(`calls/${encodeURIComponent(call.id)}`)).call));
  } catch (error) {
    body.replaceChildren(h("p", { class: "dim" }, error.message));
  }
}

/** The call as a ladder: attempts and waits, one under the other, on one axis of time. */
function trailOf(call) {
  const whole = Math.max(call.seconds, 1e-6);
  const rung = (step) => {
    const kind = step.kind === "wait" ? "wait" : step.outcome === "ok" ? "ok" : ["LostRace", "closed", "caller left"].includes(step.outcome) ? "none" : "bad";
    const run = size(size(h("span", { class: "run" }), "left", step.after / whole), "width", (step.seconds ?? whole - step.after) / whole);
    const lane = h("span", { class: "lane", "aria-hidden": "true" }, run);
    if (step.first_content) lane.append(size(h("span", { class: "tick", title: "First content" }), "left", (step.after + step.first_content) / whole));
    const said = step.kind === "wait"
      ? [h("span", { class: "dim" }, `waits ${duration(step.seconds)}`), h("div", { class: "small dim" }, step.reason ?? "until a route is free")]
      : [
        h("span", { class: "what" }, h("span", { class: "mono" }, step.route), h("span", { class: `${kind}-word` }, `${step.status && step.outcome !== "ok" ? `${step.status} ` : ""}${step.outcome}`), h("span", { class: "dim" }, dot(duration(step.seconds), step.first_content ? `first content after ${duration(step.first_content)}` : ""))),
        step.message ? h("div", {}, step.message) : null,
        ...step.notes.map((note) => h("div", { class: "small dim" }, note)),
        h("div", { class: "small dim" }, dot(step.next ? `then: ${step.next}` : "", step.key ? `key ${step.key}` : "", step.request_id ? `request ${step.request_id}` : "", step.response_model && !step.route.endsWith(step.response_model) ? `answered as ${step.response_model}` : "", step.usage?.total ? plural(step.usage.total, "token") : "", money(step.usd))),
      ];
    return h("li", { class: `step ${kind}` }, h("span", { class: "num dim" }, `+${step.after.toFixed(2)} s`), lane, h("div", { class: "said" }, ...said));
  };
  const pair = (name, value) => (value === null || value === undefined || value === "" ? [] : [h("div", {}, h("dt", {}, name), h("dd", {}, value))]);
  return [
    call.steps.length ? h("ol", { class: "ladder", "aria-label": "Attempts and waits" }, call.steps.map(rung)) : null,
    call.error && !call.steps.length ? h("p", {}, call.error) : null,
    call.skipped.length ? h("p", { class: "left-out" }, `Left out: ${call.skipped.map((one) => `${one.route} (${one.reason})`).join("; ")}`) : null,
    h("dl", { class: "details" },
      pair("Id", h("code", {}, call.id)), pair("Began", time(call.at)), pair("Key", dot(call.key, call.team ? `team ${call.team}` : "")),
      pair("Asked for", dot(call.model || "any model", call.operation === "chat" ? "" : call.operation, call.stream ? "streamed" : "")),
      pair("Status", String(call.status)), pair("Tokens", call.tokens?.toLocaleString("en")), pair("Cost", money(call.usd))),
  ].filter(Boolean);
}

async function openCall(id) {
  location.hash = "#now";
  if (held.some((call) => call.id === id)) release();
  if (!calls.has(id)) {
    try { const own = newCall((await ask(`calls/${encodeURIComponent(id)}`)).call, false); calls.set(id, own); $("calls").append(own.element); } catch (error) { return say(error.message); }
  }
  const own = calls.get(id);
  own.element.hidden = false;
  if (own.head.getAttribute("aria-expanded") !== "true") own.head.click();
  own.head.focus();
  own.head.scrollIntoView({ block: "center" });
}

function filter() {
  const failed = $("only-failed").checked, text = $("find").value.trim().toLowerCase();
  let shown = 0;
  for (const { element, call } of calls.values()) {
    const words = [call.model, call.route, call.key, call.team, call.id, outcomeOf(call), ...(call.steps ?? []).map((step) => step.route)];
    const fits = !(failed && ["ok", "none"].includes(kindOf(call)) && call.outcome !== "refused") && (!text || words.join(" ").toLowerCase().includes(text));
    element.hidden = !fits;
    shown += fits;
  }
  if (calls.size) setText($("no-calls"), shown ? "" : "No call of those that are loaded fits.");
}

async function older() {
  const last = $("calls").lastElementChild;
  const before = Math.min(...[...calls.values()].map((own) => own.call.number));
  try {
    const found = await ask(`calls?limit=100&before=${before}`);
    for (const call of found.calls) {
      const own = newCall(call, false);
      calls.set(call.id, own);
      $("calls").append(own.element);
    }
    $("older").hidden = found.before === null;
    filter();
    last?.nextElementSibling?.querySelector("button")?.focus();
  } catch (error) { say(error.message); }
}

// ---- spend

async function showSpend() {
  const found = await ask(`spend?days=${$("days").value}`);
  setText($("total"), money(found.total.usd));
  setText($("total-facts"), dot(
    `${plural(found.total.calls, "call")}${found.total.failed ? `, ${found.total.failed.toLocaleString("en")} failed` : ""}`,
    `${found.total.prompt_tokens.toLocaleString("en")} tokens in, ${found.total.completion_tokens.toLocaleString("en")} out`,
    found.total.unpriced ? `the price of ${plural(found.total.unpriced, "call")} is not known` : "",
    `since ${found.since} (UTC)`,
  ));
  const budgets = Object.entries(found.budgets).sort(([, a], [, b]) => b.used_usd / b.usd - a.used_usd / a.usd);
  $("groups").replaceChildren(...[
    budgets.length ? group("Budgets", budgets.map(([name, budget]) => budgetRow(name.replace("/", " "), budget)), "whole") : null,
    found.day.length > 1 ? dayGroup(found) : null,
    ...[["By key", found.key], ["By model", found.model], ["By team", found.team.filter((row) => row.name)]]
      .filter(([, rows]) => rows.length)
      .map(([title, rows]) => group(title, rows.map((row) => amountRow(row, Math.max(...rows.map((one) => one.usd)))))),
  ].filter(Boolean));
}

const group = (title, rows, kind = "") => h("section", { class: kind }, h("h3", {}, title), h("ul", {}, rows));
const gauge = (share, kind = "") => h("div", { class: `gauge ${kind}`, "aria-hidden": "true" }, size(h("i"), "width", share));
const amountRow = (row, most) => h("li", { class: "amount" }, h("span", { class: "name", title: row.name }, row.name), h("span", {}, money(row.usd)), gauge(most ? row.usd / most : 0), h("span", { class: "small" }, dot(plural(row.calls, "call"), row.failed ? `${row.failed.toLocaleString("en")} failed` : "", `${(row.prompt_tokens + row.completion_tokens).toLocaleString("en")} tokens`)));
const per = (budget) => (budget.per === "total" ? "in all" : `a ${budget.per}`);

function budgetRow(name, budget) {
  if (budget.used_usd === null) return h("li", { class: "amount" }, h("span", { class: "name" }, name), h("span", {}, `${money(budget.usd)} ${per(budget)}`), h("span", { class: "small" }, "What is left is not known just now"));
  const share = budget.used_usd / budget.usd;
  return h("li", { class: "amount" }, h("span", { class: "name" }, name), h("span", {}, `${money(Math.max(0, budget.used_usd))} of ${money(budget.usd)} ${per(budget)}`), gauge(share, share >= 0.995 ? "bad" : share >= 0.8 ? "warn" : "ok"),
    h("span", { class: "small" }, share >= 0.995 ? "Nothing is left: its calls are refused" : `${Math.floor(share * 100)} % used, ${money(budget.left_usd)} left`));
}

function dayGroup(found) {
  const byDay = new Map(found.day.map((row) => [row.name, row]));
  const first = new Date(`${found.day[0].name}T00:00:00Z`), days = [];
  for (let at = first; at.getTime() < Date.now() + skew * 1000; at = new Date(at.getTime() + 864e5)) days.push(at.toISOString().slice(0, 10));
  const most = Math.max(...found.day.map((row) => row.usd), 1e-12);
  const bars = days.map((day) => { const row = byDay.get(day); return h("li", { title: `${day}: ${money(row?.usd ?? 0)}, ${plural(row?.calls ?? 0, "call")}` }, size(h("i"), "height", (row?.usd ?? 0) / most)); });
  const label = `Spend by day: ${found.day.map((row) => `${row.name} ${money(row.usd)}`).join(", ")}`;
  return h("section", { class: "whole" }, h("h3", {}, "By day"), h("ol", { class: "days", role: "img", "aria-label": label }, bars), h("p", { class: "axis" }, h("span", {}, days[0]), h("span", {}, `up to ${money(most)} a day`), h("span", {}, days.at(-1))));
}

// ---- keys

let teams = [];

async function showKeys() {
  const found = await ask("keys");
  teams = found.teams;
  const rows = found.keys.filter((key) => !key.disabled && !key.expired).length;
  setText($("keys-facts"), found.keys.length ? dot(`${plural(found.keys.length, "key")}, ${rows} valid`) : "There are no keys: whoever reaches the gateway is answered.");
  $("first-key").hidden = found.keys.length > 0 || status?.needs_key;
  $("key-list").replaceChildren(...found.keys.map(keyRow));
}

function keyRow(key) {
  const limits = dot(key.models.join(", ") === "*" ? "all models" : key.models.join(", ") || "no models", key.rpm ? `${key.rpm.toLocaleString("en")} requests a minute` : "", key.tpm ? `${key.tpm.toLocaleString("en")} tokens a minute` : "", key.parallel ? `${key.parallel} at once` : "");
  const state = key.disabled ? ["none", "disabled"] : key.expired ? ["none", "expired"] : ["ok", "valid"];
  const used = key.used ?? (key.budget ? { ...key.budget, used_usd: 0, left_usd: key.budget.usd } : null);
  const act = (label, work) => h("button", { type: "button", "aria-label": `${label}: ${key.name}`, onclick: async (event) => {
    const place = [...event.target.parentNode.children].indexOf(event.target);
    event.target.disabled = true;
    try { await work(); } catch (error) { say(error.message); }
    await showKeys().catch((error) => say(error.message));
    (document.querySelectorAll(`[data-key="${CSS.escape(key.name)}"] button`)[place] ?? $("new-key")).focus();
  } }, label);
  const path = `keys/${encodeURIComponent(key.name)}`;
  const actions = key.source === "configuration" ? [h("span", { class: "small dim" }, "in the configuration")] : [
    act(key.disabled ? "Enable" : "Disable", async () => { await ask(path, "PATCH", { disabled: !key.disabled }); say(`${key.name} is ${key.disabled ? "enabled" : "disabled"}`); }),
    act("New secret", async () => { if (await sure(`A new secret for ${key.name}?`, "Callers with the old one are refused at once.", "Make it")) await showSecret(await ask(`${path}/rotate`, "POST")); }),
    act("Delete", async () => { if (await sure(`Delete ${key.name}?`, "Its callers are refused at once. What it has spent is kept.", "Delete it")) await ask(path, "DELETE"); }),
  ];
  return h("li", { "data-key": key.name, class: key.disabled ? "off" : "" },
    h("div", { class: "what" }, h("span", { class: "state" }, h("span", { class: `mark ${state[0]}`, "aria-hidden": "true" }), h("strong", {}, key.name), h("span", { class: "small dim" }, state[1])), h("div", { class: "small dim" }, h("code", {}, `${key.shown}…`), key.team ? ` team ${key.team}` : "")),
    h("div", { class: "what small dim" }, limits, key.expires ? h("div", {}, `until ${key.expires}`) : null),
    h("div", { class: "what" }, used ? h("div", { class: "small" }, `${used.used_usd === null ? "not known just now" : money(Math.max(0, used.used_usd))} of ${money(used.usd)} ${per(used)}`) : h("span", { class: "small dim" }, "no budget"), used && used.used_usd !== null ? gauge(used.used_usd / used.usd, used.used_usd >= used.usd * 0.995 ? "bad" : used.used_usd >= used.usd * 0.8 ? "warn" : "ok") : null),
    h("div", { class: "row" }, actions));
}

async function makeKey(event) {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData($("key-form")));
  const body = { name: fields.name.trim() };
  const models = fields.models.split(",").map((name) => name.trim()).filter(Boolean);
  if (models.length) body.models = models;
  for (const name of ["rpm", "tpm", "parallel"]) if (fields[name].trim()) body[name] = number(fields[name]);
  if (fields.usd.trim()) body.budget = { usd: number(fields.usd), per: fields.per };
  if (fields.team) body.team = fields.team;
  if (fields.expires) body.expires = fields.expires;
  $("make").disabled = true;
  try {
    const made = await ask("keys", "POST", body);
    $("key-dialog").close();
    showSecret(made);
    await showKeys();
  } catch (error) { setText($("key-error"), error.message); }
  $("make").disabled = false;
}

/** Return the number that a text says, or the text: then the gateway says what is wrong with it. */
const number = (text) => { const found = Number(text.trim().replaceAll(/[,_\s]/g, "")); return Number.isFinite(found) ? found : text; };

function showSecret(made) {
  setText($("secret-title"), `The secret of ${made.name}`);
  setText($("secret"), made.key);
  setText($("copy"), "Copy");
  $("secret-dialog").showModal();
  return new Promise((done) => $("secret-dialog").addEventListener("close", done, { once: true }));
}

function sure(title, text, action) {
  setText($("sure-title"), title);
  setText($("sure-text"), text);
  setText($("sure"), action);
  const dialog = $("sure-dialog");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

async function copySecret() {
  try { await navigator.clipboard.writeText($("secret").textContent); setText($("copy"), "Copied"); } catch {
    getSelection().selectAllChildren($("secret"));
    setText($("copy"), document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
  }
}

// ---- a chat

let talk = [];
let answering = null;

async function send(event) {
  event?.preventDefault();
  const text = $("message").value.trim();
  if (!text || answering) return;
  $("message").value = "";
  const model = $("model").value.trim();
  talk.push({ role: "user", content: text });
  const said = h("div", { class: "text" }), thinks = h("div", { class: "thinks", hidden: true }), meta = h("p", { class: "meta" }, "waits for first content…");
  $("talk").append(h("li", {}, h("p", { class: "who" }, "You"), h("div", { class: "text" }, text)), h("li", {}, h("p", { class: "who" }, model || "any model"), thinks, said, meta));
  meta.scrollIntoView({ block: "nearest" });
  const own = answering = new AbortController();
  const began = performance.now();
  let first = null, id = null, problem = "", answer = "";
  busy(true);
  try {
    const body = JSON.stringify({ model, messages: talk, stream: true, stream_options: { include_usage: true } });
    const response = await request("/v1/chat/completions", { method: "POST", body, signal: own.signal });
    id = response.headers.get("x-request-id");
    let route = response.headers.get("x-g4f-route") ?? "";
    for await (const found of eventsOf(response)) {
      if (!found || found.data === "[DONE]") continue;
      const chunk = JSON.parse(found.data);
      if (chunk.error) { problem = chunk.error.message; continue; }
      const delta = chunk.choices?.[0]?.delta ?? {}, thought = delta.reasoning_content ?? delta.reasoning ?? "";
      if ((delta.content || thought) && first === null) first = (performance.now() - began) / 1000;
      if (thought) { thinks.hidden = false; thinks.append(thought); thinks.scrollTop = thinks.scrollHeight; }
      if (delta.content) { answer += delta.content; said.append(delta.content); }
      setText(meta, dot(route, first === null ? "" : `first content after ${duration(first)}`));
    }
  } catch (error) { problem = own.signal.aborted ? "stopped" : error.message; }
  answering = null;
  busy(false);
  if (answer) talk.push({ role: "assistant", content: answer }); else talk.pop();
  meta.replaceChildren(...[
    problem ? h("span", { class: problem === "stopped" ? "" : "bad-text" }, problem) : null,
    first === null ? null : h("span", {}, `first content after ${duration(first)}`),
    h("span", {}, `${duration((performance.now() - began) / 1000)} in all`),
  ].filter(Boolean));
  if (id) await price(id, meta);
  meta.scrollIntoView({ block: "nearest" });
}

const awaited = new Map();

/** Return a call once it has ended: as it is told here, or as the gateway knows it. */
async function ended(id) {
  const known = calls.get(id)?.call ?? held.find((call) => call.id === id);
  return known ?? new Promise((done, failed) => {
    const timer = setTimeout(() => ask(`calls/${encodeURIComponent(id)}`).then((found) => done(found.call), failed), 2000);
    awaited.set(id, (call) => { clearTimeout(timer); done(call); });
  });
}

/** Add what is known of a call: its route, cost and trail. */
async function price(id, meta) {
  try {
    const call = await ended(id);
    meta.prepend(...(call.route ? [h("span", { class: "mono" }, call.route)] : []));
    if (call.tokens) meta.append(h("span", {}, plural(call.tokens, "token")));
    if (call.usd !== null) meta.append(h("span", {}, money(call.usd)));
    meta.append(h("button", { type: "button", class: "linked", onclick: () => openCall(id) }, "Its trail"));
  } catch { /* it is not among the last ones any more */ }
  awaited.delete(id);
}

function busy(is) {
  $("send").disabled = is;
  $("stop").disabled = !is;
  (is ? $("stop") : $("message")).focus({ preventScroll: true });
}

// ---- the page itself

const say = (text) => { $("said").textContent = ""; $("said").append(text); $("said").className = text ? "toast" : "unseen"; clearTimeout(say.timer); say.timer = setTimeout(() => { $("said").className = "unseen"; }, 6000); };
const VIEWS = { now: null, spend: showSpend, keys: showKeys, try: null };

function show() {
  const wanted = location.hash.slice(1), name = wanted in VIEWS ? wanted : "now";
  for (const one of ["enter", ...Object.keys(VIEWS)]) $(one).hidden = one !== (adminKey ? name : "enter");
  $("nav").hidden = $("leave").hidden = !adminKey;
  for (const a of $("nav").children) a.hash === `#${name}` ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current");
  if (!adminKey) return $("admin-key").focus();
  if (VIEWS[name]) VIEWS[name]().catch((error) => say(error.message));
  if (name === "try" && matchMedia("(hover: hover)").matches) $("message").focus({ preventScroll: true });
}

function leave(message = "") {
  sessionStorage.removeItem(KEPT_AS);
  adminKey = null;
  watching?.abort();
  answering?.abort();
  watching = null;
  $("link").hidden = $("away").hidden = true;
  for (const id of ["calls", "routes", "groups", "key-list", "talk"]) $(id).replaceChildren();
  calls.clear(); routes.clear(); talk = [];
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  setText($("enter-error"), message);
  show();
}

async function enter(event) {
  event.preventDefault();
  adminKey = $("admin-key").value.trim();
  setText($("enter-error"), "");
  try {
    await ask("status");
  } catch (error) {
    adminKey = null;
    return setText($("enter-error"), error.status === 401 ? "This is not the admin key." : error.status ? error.message : "The gateway does not answer.");
  }
  sessionStorage.setItem(KEPT_AS, adminKey);
  $("admin-key").value = "";
  show();
  $("main").focus();
  watch();
}

$("enter-form").addEventListener("submit", enter);
$("leave").addEventListener("click", () => leave());
$("fresh").addEventListener("click", () => { document.querySelectorAll(".call[aria-expanded=true]").forEach((one) => one.click()); release(); });
$("only-failed").addEventListener("change", filter);
$("find").addEventListener("input", filter);
$("older").addEventListener("click", older);
$("days").addEventListener("change", () => showSpend().catch((error) => say(error.message)));
$("new-key").addEventListener("click", () => {
  $("key-form").reset();
  setText($("key-error"), "");
  $("key-form").elements.team.replaceChildren(h("option", { value: "" }, "none"), ...teams.map((name) => h("option", {}, name)));
  $("key-dialog").showModal();
});
$("key-form").addEventListener("submit", makeKey);
$("secret-dialog").addEventListener("close", () => setText($("secret"), ""));
$("copy").addEventListener("click", copySecret);
$("sure").addEventListener("click", () => $("sure-dialog").close("yes"));
document.querySelectorAll("[data-close]").forEach((one) => one.addEventListener("click", () => one.closest("dialog").close()));
$("ask").addEventListener("submit", send);
$("message").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event); });
$("stop").addEventListener("click", () => answering?.abort());
$("clear").addEventListener("click", () => { answering?.abort(); talk = []; $("talk").replaceChildren(); });
addEventListener("scroll", () => { if (held.length && !isOpen() && !scrolledPast()) release(); }, { passive: true });
addEventListener("hashchange", show);

show();
if (adminKey) watch();
