// The time line: scrub, cut, and draw keyframes over the frames and the beats of the sound.

import { animatable, controlOf, labelOf, printed } from "./adjust.js";
import { act, actSoon, isPending, onState, picture, say, state } from "./link.js";
import { button, el, keep, put, seconds } from "./parts.js";
import { peek } from "./stage.js";

const SVG = "http://www.w3.org/2000/svg";
const WAYS = { linear: "straight", ease: "soft", "ease-in": "soft start", "ease-out": "soft end", hold: "jump", spline: "through all, smooth" };
const FIRST = "dream.strength"; // that is drawn where nothing was chosen
const DOUBLE = matchMedia("(pointer: coarse)").matches ? "Double-tap" : "Double-click";
const parent = document.getElementById("time");
// The setting that is drawn; its keyframe that is edited; keys that are dragged, and after how many beats they come again.
let drawn = "", chosen = -1, own = null, ownTurn = null;

const axis = () => state.look.axis;
const whole = () => (state.clip.film ? state.clip.seconds : axis().seconds);
const keysNow = () => own ?? state.look.keys[drawn]?.keys ?? [];
const turn = () => (own ? ownTurn : state.look.keys[drawn]?.every ?? null);

function timeOf(key) {
  const { first, bpm, seconds: length } = axis(), beat = 60 / (bpm ?? 120);
  return { s: key.time, f: key.time / state.clip.rate, "%": (key.time * length) / 100, b: (first ?? 0) + key.time * beat, bar: (first ?? 0) + 4 * key.time * beat }[key.unit];
}

// A time of the film as a keyframe has it: on half beats where that is asked for, else in seconds.
function placed(time) {
  const { first, bpm, seconds: length } = axis(), at = Math.min(length, Math.max(0, time));
  if (turn()) return { time: Math.min(turn(), Math.max(0, Math.round(((time - first) * bpm) / 15) / 4)), unit: "b" };
  if (bpm && parts.snap.checked) {
    const last = Math.floor(((length - first) * bpm) / 30 + 1e-6);
    const half = Math.max(0, Math.min(last, Math.round(((at - first) * bpm) / 30)));
    return { time: half / 2, unit: "b" };
  }
  return { time: Math.floor(100 * at + 1e-6) / 100, unit: "s" };
}

const left = time => (100 * (axis().start + time)) / whole();
const scaled = (control, value) => (control.log ? Math.log(value / control.low) / Math.log(control.high / control.low) : (value - control.low) / (control.high - control.low));
const valued = (control, share) => {
  const value = control.log ? control.low * (control.high / control.low) ** share : control.low + share * (control.high - control.low);
  return Number(Math.min(control.high, Math.max(control.low, Math.round(value / control.step) * control.step)).toFixed(4));
};
const top = value => 100 * (0.92 - 0.84 * Math.min(1, Math.max(0, scaled(controlOf(drawn), value))));

function give(keys, every = turn()) {
  own = [...keys].sort((a, b) => timeOf(a) - timeOf(b)).filter((key, at, all) => !at || timeOf(key) - timeOf(all[at - 1]) > 0.001);
  ownTurn = every;
  actSoon(`keys ${drawn}`, { do: "keys", key: drawn, keys: own, every: own.length ? every : null });
  draw();
}

function changeKey(at, change) {
  const keys = keysNow().map((key, number) => (number === at ? { ...key, ...change } : key));
  const moved = keys[at];
  give(keys);
  chosen = own.indexOf(moved);
  return chosen;
}

function add(time, value) {
  if (!drawn) parts.pick.value = drawn = FIRST;
  const control = controlOf(drawn), long = (60 * turn()) / (axis().bpm || 1);
  if (long) time = axis().first + ((((time - axis().first) % long) + long) % long); // in the first turn
  const key = { ...placed(time), value: value ?? valued(control, scaled(control, state.look.values[drawn])), way: "linear" };
  give([...keysNow().filter(each => Math.abs(timeOf(each) - timeOf(key)) > 0.02), key]);
  chosen = own.findIndex(each => each === key);
  draw();
  parts.points.children[chosen]?.focus();
}

// High on every beat, and back to what it is until the next; once more: as it was.
function onBeats() {
  if (!drawn) parts.pick.value = drawn = FIRST;
  if (turn()) return give([], null);
  const control = controlOf(drawn), low = Math.min(control.high, Math.max(control.low, keysNow()[0]?.value ?? state.look.values[drawn]));
  const share = scaled(control, low);
  give([{ time: 0, unit: "b", value: valued(control, share > 0.7 ? share - 0.3 : share + 0.3), way: "linear" }, { time: 1, unit: "b", value: low, way: "ease-out" }], 1);
}

const now = () => (state.clip.film ? Math.max(0, state.frame / state.clip.rate - axis().start) : 0);

function remove(at) {
  give(keysNow().filter((_, number) => number !== at));
  chosen = -1;
  draw();
  parts.add.focus();
}

function point() {
  const made = el("button", { type: "button", class: "point" });
  const at = () => [...parts.points.children].indexOf(made);
  made.addEventListener("focus", () => {
    chosen = at();
    draw();
  });
  made.addEventListener("pointerdown", event => {
    event.preventDefault();
    made.focus();
    made.setPointerCapture(event.pointerId);
    const box = parts.track.getBoundingClientRect(), control = controlOf(drawn);
    const move = to => {
      const time = ((to.clientX - box.left) / box.width) * whole() - axis().start;
      const share = (0.92 - (to.clientY - box.top) / box.height) / 0.84;
      const where = changeKey(chosen, { ...placed(time), value: valued(control, Math.min(1, Math.max(0, share))) });
      parts.points.children[where]?.focus();
    };
    made.addEventListener("pointermove", move);
    made.addEventListener("pointerup", () => made.removeEventListener("pointermove", move), { once: true });
  });
  made.addEventListener("keydown", event => {
    const key = keysNow()[at()], control = controlOf(drawn), beat = axis().bpm && parts.snap.checked ? 30 / axis().bpm : 0.1;
    const step = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (moves) {
      event.preventDefault();
      const time = moves[0] ? placed(timeOf(key) + moves[0] * beat * step) : {};
      const value = Math.min(control.high, Math.max(control.low, Number((key.value + moves[1] * control.step * step).toFixed(4))));
      parts.points.children[changeKey(at(), { ...time, value })]?.focus();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      remove(at());
    }
  });
  return made;
}

const parts = {};

function build() {
  parts.clock = el("output", { class: "clock", for: "scrub" });
  parts.pick = el("select", { id: "drawn" });
  parts.add = button("Add a keyframe here", () => add(now()));
  parts.beat = button("On every beat", onBeats);
  parts.snap = el("input", { type: "checkbox", id: "snap", checked: true });
  parts.snapLabel = el("label", { class: "snap", for: "snap" }, parts.snap, " on the beat");
  parts.from = button("Start here", () => cut({ start: now() + axis().start }));
  parts.to = button("End here", () => cut({ stop: (state.frame + 1) / state.clip.rate }));
  parts.all = button("Whole clip", () => cut({ start: null, stop: null }));
  parts.strip = el("div", { class: "strip", "aria-hidden": "true" });
  parts.drawing = document.createElementNS(SVG, "svg");
  parts.drawing.setAttribute("viewBox", "0 0 1000 100");
  parts.drawing.setAttribute("preserveAspectRatio", "none");
  parts.drawing.setAttribute("aria-hidden", "true");
  parts.scrub = el("input", { type: "range", id: "scrub", min: 0, step: 1, "aria-label": "Frame" });
  parts.points = el("div", { class: "points", role: "group" });
  parts.most = el("span", { class: "level" });
  parts.least = el("span", { class: "level" });
  parts.track = el("div", { class: "track" }, parts.strip, parts.drawing, parts.most, parts.least, parts.scrub, parts.points);
  parts.note = el("p", { class: "faint note" });
  parts.edit = edit();
  parts.summary = el("summary");
  parts.more = el("details", { open: matchMedia("(min-width: 62rem)").matches },
    parts.summary,
    el("div", { class: "row" }, el("label", { class: "pick" }, "Keyframes of ", parts.pick), parts.snapLabel, el("div", { class: "acts" }, parts.add, parts.beat)),
    parts.edit.row,
    el("div", { class: "acts cut" }, parts.from, parts.to, parts.all),
    parts.note,
  );
  parent.append(parts.clock, parts.track, parts.more);
  parts.scrub.addEventListener("input", () => {
    peek(Number(parts.scrub.value) / state.clip.frames);
    clock(Number(parts.scrub.value));
  });
  parts.scrub.addEventListener("change", () => actSoon("seek", { do: "seek", frame: Number(parts.scrub.value) }));
  parts.scrub.addEventListener("dblclick", event => {
    const box = parts.track.getBoundingClientRect();
    const time = ((event.clientX - box.left) / box.width) * whole() - axis().start;
    const share = Math.min(1, Math.max(0, (0.92 - (event.clientY - box.top) / box.height) / 0.84));
    add(time, keysNow().length ? valued(controlOf(drawn), share) : undefined); // the first is what its slider says
  });
  parts.pick.addEventListener("change", () => draw_of(parts.pick.value));
}

function edit() {
  const value = el("input", { type: "number", step: "any" }), way = el("select", {}, Object.entries(WAYS).map(([key, text]) => el("option", { value: key }, text)));
  const at = el("input", { type: "number", step: "any", min: 0 });
  const unit = el("span", {});
  value.addEventListener("change", () => changeKey(chosen, { value: Number(value.value) }));
  at.addEventListener("change", () => changeKey(chosen, { time: Math.max(0, Number(at.value)) }));
  way.addEventListener("change", () => changeKey(chosen, { way: way.value }));
  const row = el("div", { class: "row edit", role: "group", "aria-label": "The chosen keyframe" }, el("label", {}, "At ", at, " ", unit), el("label", {}, "Value ", value), el("label", {}, "Reached ", way), button("Remove", () => remove(chosen)));
  return { row, value, way, at, unit };
}

function draw_of(key) {
  drawn = key;
  chosen = -1;
  own = null;
  draw();
}

function cut(change) {
  const wanted = { ...state.cut, ...change };
  if (wanted.start !== null && wanted.stop !== null && wanted.stop <= wanted.start) {
    say("The end must lie behind the start", true);
    return;
  }
  act({ do: "cut", ...wanted });
}

function clock(frame) {
  put(parts.clock, `${seconds(frame / state.clip.rate)} of ${seconds(state.clip.seconds)}`);
  parts.scrub.setAttribute("aria-valuetext", `${seconds(frame / state.clip.rate)}, frame ${frame} of ${state.clip.frames}`);
}

function shapes() {
  const { clip, look, cut: range } = state, found = [], length = whole(), x = time => (10 * left(time)).toFixed(1);
  const shape = (kind, d, name) => found.push([kind, d, name]);
  const loud = clip.sound.loudness;
  if (loud.length) {
    const upper = loud.map((value, at) => `${((1000 * at) / loud.length).toFixed(1)} ${(100 - 46 * value).toFixed(1)}`);
    shape("path", `M0 100L${upper.join("L")}L1000 100Z`, "wave");
  }
  const beats = axis().beats.filter(time => time >= 0), every = beats.length > 160 ? 4 : 1;
  if (beats.length) shape("path", beats.filter((_, at) => at % every === 0).map(time => `M${x(time)} 0V100`).join(""), "beats");
  if (range.start !== null) shape("path", `M0 0H${(1000 * range.start) / length}V100H0Z`, "out");
  if (range.stop !== null) shape("path", `M1000 0H${(1000 * range.stop) / length}V100H1000Z`, "out");
  const curve = drawn ? look.axis.curves[drawn] : null;
  if (curve) shape("path", `M${curve.map(([time, value]) => `${x(time)} ${top(value).toFixed(1)}`).join("L")}`, "curve");
  else if (drawn) shape("path", `M${x(0)} ${top(look.values[drawn])}H${x(axis().seconds)}`, "curve flat");
  return found;
}

function draw() {
  const { clip, look } = state;
  parts.track.hidden = !clip.film && !drawn;
  const text = JSON.stringify([shapes()]);
  if (parts.drawing.dataset.drawn !== text) {
    parts.drawing.dataset.drawn = text;
    parts.drawing.replaceChildren(...shapes().map(([kind, d, name]) => {
      const made = document.createElementNS(SVG, kind);
      made.setAttribute("d", d);
      made.setAttribute("class", name);
      return made;
    }));
  }
  const keys = drawn ? keysNow() : [];
  parts.points.setAttribute("aria-label", drawn ? `Keyframes of ${labelOf(drawn)}` : "Keyframes");
  keep(parts.points, keys.map((key, at) => ({ key, at })), each => each.at, point, (made, { key, at }) => {
    made.style.left = `${left(timeOf(key))}%`;
    made.style.top = `${top(key.value)}%`;
    made.setAttribute("aria-label", `${labelOf(drawn)} ${key.value} at ${key.unit === "b" ? `beat ${key.time}` : seconds(timeOf(key))}, keyframe ${at + 1} of ${keys.length}`);
    made.setAttribute("aria-pressed", at === chosen);
  });
  for (const [level, end] of [[parts.most, "high"], [parts.least, "low"]]) {
    const control = controlOf(drawn);
    level.hidden = !control;
    if (!control) continue;
    put(level, printed(control, control[end]));
    level.style.top = `${top(control[end])}%`;
  }
  const key = keys[chosen];
  parts.edit.row.hidden = !key;
  if (key) {
    const set = (field, value) => { if (document.activeElement !== field) field.value = value; };
    set(parts.edit.at, key.time);
    set(parts.edit.value, key.value);
    set(parts.edit.way, key.way);
    put(parts.edit.unit, { s: "s", b: "beats", bar: "bars", f: "frames", "%": "%" }[key.unit]);
  }
  const formula = drawn && look.keys[drawn] && !look.keys[drawn].keys.length ? `${labelOf(drawn)} follows “${look.keys[drawn].text}”. ` : "";
  const { sound } = clip, { bpm } = axis();
  const beat = !clip.film ? "" : !sound.ready ? "Listening to the sound …" : bpm ? `${Math.round(bpm)} beats a minute.` : sound.note ? `No beats: ${sound.note}.` : "No beat is found in the sound.";
  const wrong = axis().note === state.view?.error ? "" : axis().note; // it stands under the picture
  const more = clip.film ? ` ${DOUBLE.toLowerCase()} sets another,` : "";
  const hint = keys.length ? `Drag a point, or use the arrow keys;${more} Delete removes one.` : clip.film && !formula ? `${DOUBLE} the time line to set a keyframe${drawn ? "" : ` of ${labelOf(FIRST)}`}.` : "";
  put(parts.note, `${formula}${wrong} ${beat} ${hint}`.trim());
}

function strip() {
  const { strip: names } = state.clip, count = Math.min(names.length, Math.max(5, Math.round(parts.track.clientWidth / 70)));
  const wanted = Array.from({ length: count }, (_, at) => names[Math.floor(((at + 0.5) / count) * names.length)]);
  const text = wanted.join();
  if (parts.strip.dataset.names === text) return;
  parts.strip.dataset.names = text;
  parts.strip.replaceChildren(...wanted.map(name => el("img", { src: picture(name), alt: "" })));
}

function show(current, before) {
  if (!current.clip) return;
  const { clip } = current;
  if (clip.name !== before?.clip?.name) draw_of("");
  const names = animatable().map(control => [control.key, control.label]);
  const wanted = `${names}`;
  if (parts.pick.dataset.names !== wanted) {
    parts.pick.dataset.names = wanted;
    parts.pick.replaceChildren(el("option", { value: "" }, "nothing"), ...names.map(([value, text]) => el("option", { value }, text)));
  }
  if (own && !isPending(`keys ${drawn}`)) own = null;
  if (!drawn && current.look.preset !== before?.look.preset) {
    const given = Object.keys(current.look.keys).find(key => controlOf(key));
    if (given) drawn = given;
  }
  parts.pick.value = drawn;
  for (const each of [parts.scrub, parts.from, parts.to, parts.all]) each.hidden = !clip.film;
  put(parts.summary, clip.film ? "Cut and keyframes" : "Keyframes");
  if (!clip.film) put(parts.clock, `Flight of ${seconds(axis().seconds)}`);
  parts.all.disabled = current.cut.start === null && current.cut.stop === null;
  parts.snapLabel.hidden = !axis().bpm || Boolean(turn());
  parts.beat.hidden = !axis().bpm;
  parts.beat.setAttribute("aria-pressed", Boolean(turn()));
  if (clip.film && document.activeElement !== parts.scrub) {
    parts.scrub.max = clip.frames - 1;
    parts.scrub.value = current.frame;
    clock(current.frame);
  }
  strip();
  draw();
}

export function startLine() {
  build();
  document.addEventListener("animate", event => {
    draw_of(event.detail);
    parts.more.open = true;
    parts.pick.value = drawn;
    if (!keysNow().length) add(now());
    parts.more.scrollIntoView({ block: "nearest" });
    (parts.points.querySelector("button") ?? parts.add).focus({ preventScroll: true });
  });
  onState(show);
}
