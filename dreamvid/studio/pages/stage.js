// The picture: source and dream on either side of a line, snapshots, three seconds of film.

import { act, onState, picture, root, say, state } from "./link.js";
import { button, el, keep, picturesTo, put, seconds } from "./parts.js";

const find = name => document.getElementById(name);
const viewer = find("viewer"), wipe = find("wipe"), left = find("left"), right = find("right"), film = find("film");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let closed = false; // the quick film is done, and was put away

function side(value, now) {
  if (value === "source") return now.view?.source || "";
  if (value === "dream") return now.view?.picture || "";
  return now.snapshots.find(each => `snapshot ${each.number}` === value)?.picture || "";
}

function choices(select, first, now) {
  const names = [...first, ...now.snapshots.map(each => [`snapshot ${each.number}`, `Snapshot ${each.number}`])];
  const wanted = names.map(([value]) => value).join();
  if (select.dataset.names === wanted) return;
  const chosen = select.value;
  select.dataset.names = wanted;
  select.replaceChildren(...names.map(([value, text]) => el("option", { value }, text)));
  select.value = names.some(([value]) => value === chosen) ? chosen : names[0][0];
}

// What the dream on the right is made of: where that changes, the dream is what one wants to see.
const dreamed = ({ clip, frame, look }) => JSON.stringify([clip.name, frame, look.preset, look.values, look.keys, look.motifs, look.mask]);

// A picture that is chosen is seen: the line does not stay at an edge.
function compare() {
  if (atEdge()) wipe.value = 50;
  show(state, state);
}

const atEdge = () => ["0", "100"].includes(wipe.value);

function split() {
  viewer.style.setProperty("--split", `${wipe.value}%`);
  viewer.classList.toggle("whole", atEdge());
  wipe.setAttribute("aria-valuetext", `${wipe.value} % ${left.selectedOptions[0]?.textContent ?? ""}`);
  const tags = viewer.querySelectorAll(".tag");
  put(tags[0], left.selectedOptions[0]?.textContent ?? "");
  put(tags[1], right.selectedOptions[0]?.textContent ?? "");
}

function dragging(event) {
  if (event.target === film || event.button) return;
  const move = at => {
    const box = viewer.getBoundingClientRect();
    wipe.value = Math.round((100 * (at.clientX - box.left)) / box.width);
    split();
  };
  viewer.setPointerCapture(event.pointerId);
  move(event);
  viewer.addEventListener("pointermove", move);
  viewer.addEventListener("pointerup", () => viewer.removeEventListener("pointermove", move), { once: true });
  event.preventDefault();
}

function noted(now) {
  const { view, quick } = now;
  if (quick && !quick.film && !quick.error) return quick.total ? `dreaming three seconds: ${quick.done} of ${quick.total} frames` : "dreaming three seconds: getting ready …";
  if (!view) return "";
  if (view.error) return view.error;
  if (view.whole) {
    return view.full ? "as in the film" : `dreamed at ${view.size[0]}×${view.size[1]}: the film has more detail`;
  }
  return view.done ? `sharpening: step ${view.done} of ${view.total}` : "…";
}

// With its sound where the browser lets it, which wants a click on this page before; else without, and a button says so.
async function playAloud() {
  film.muted = false;
  await film.play().catch(error => {
    if (error.name !== "NotAllowedError") return; // it was put away, or cannot be played
    film.muted = true;
    film.play().catch(() => {});
  });
}

const offerSound = () => { find("sound").hidden = film.hidden || !film.muted; };

function quickly(now, before) {
  const { quick } = now;
  const ready = Boolean(quick?.film) && !closed;
  const address = ready ? `${root}quick/${quick.film}.mp4` : "";
  if (film.dataset.address !== address) {
    film.dataset.address = address;
    film.hidden = !ready;
    viewer.classList.toggle("playing", ready);
    if (ready) {
      film.src = address;
      if (!calm.matches) playAloud();
      if (before) say("Three seconds are ready");
    } else {
      film.removeAttribute("src");
      film.load();
    }
  }
  put(find("quick"), ready ? "Back to the frame" : quick && !quick.film && !quick.error ? "Stop the three seconds" : "Dream three seconds to play");
  if (quick?.error && quick.error !== before?.quick?.error) say(quick.error, true);
}

function snapshot(each) {
  const take = button("", () => act({ do: "restore", number: each.number }), { class: "take" });
  const title = state.clip.film ? `${each.title}, ${seconds(each.frame / state.clip.rate)}` : each.title;
  take.append(el("img", { src: picture(each.picture), alt: "" }), el("span", {}, `${each.number} · ${title}`));
  take.setAttribute("aria-label", `Go back to snapshot ${each.number}, ${title}`);
  const drop = button("×", () => act({ do: "drop", number: each.number }), { class: "drop" });
  drop.setAttribute("aria-label", `Remove snapshot ${each.number}`);
  return el("li", {}, take, drop);
}

function show(now, before) {
  if (!now.clip) return;
  if (before?.clip && dreamed(now) !== dreamed(before)) right.value = "dream";
  choices(left, [["source", now.clip.film ? "Source" : "Photograph"]], now);
  choices(right, [["dream", "Dream"]], now);
  split();
  viewer.style.setProperty("--ratio", now.clip.width / now.clip.height);
  viewer.style.setProperty("--shape", `${now.clip.width} / ${now.clip.height}`);
  const running = now.quick && !now.quick.film && now.quick.picture;
  const ours = side(right.value, now), theirs = side(left.value, now);
  const fallback = strip(now);
  picturesTo(find("after"), running && right.value === "dream" ? picture(now.quick.picture) : ours ? picture(ours) : fallback);
  picturesTo(find("before"), theirs ? picture(theirs) : fallback);
  find("after").alt = `${right.selectedOptions[0]?.textContent}: ${now.clip.name} in the look ${now.look.title}`;
  find("before").alt = `${left.selectedOptions[0]?.textContent}: ${now.clip.name}`;
  put(find("title"), now.look.title);
  put(find("note"), noted(now));
  find("note").classList.toggle("error", Boolean(now.view?.error));
  const { view, quick } = now, quickRuns = quick && !quick.film && !quick.error;
  find("sharp").hidden = !quickRuns && (!view || view.whole);
  find("sharp").value = quickRuns ? (quick.total ? quick.done / quick.total : 0) : view ? view.done / view.total : 0;
  for (const name of ["snapshot", "picture"]) find(name).disabled = !view?.whole || Boolean(view?.error);
  if (!quick) closed = false;
  quickly(now, before);
  offerSound();
  const playing = !film.hidden;
  find("picture").disabled ||= playing;
  find("picture").title = playing ? "Go back to the frame first: the film is shown" : "";
  keep(find("snapshots"), now.snapshots, each => each.number, snapshot, () => {});
}

// The picture of the strip that is nearest to the frame, until the frame itself is read.
function strip(now) {
  const { strip: names, frames } = now.clip;
  return names.length ? picture(names[Math.min(names.length - 1, Math.round((now.frame / frames) * names.length))]) : "";
}

export function peek(share) {
  const names = state.clip.strip;
  if (names.length) picturesTo(find("after"), picture(names[Math.min(names.length - 1, Math.floor(share * names.length))]));
}

export function startStage() {
  wipe.addEventListener("input", split);
  for (const select of [left, right]) select.addEventListener("change", compare);
  viewer.addEventListener("pointerdown", dragging);
  film.addEventListener("volumechange", offerSound);
  find("sound").addEventListener("click", () => { film.muted = false; });
  find("snapshot").addEventListener("click", () => act({ do: "snapshot" }));
  find("quick").addEventListener("click", () => {
    const { quick } = state;
    if (quick?.film && !closed) {
      closed = true;
      act({ do: "quiet" });
    } else if (quick && !quick.film && !quick.error) {
      act({ do: "quiet" });
    } else {
      closed = false;
      act({ do: "quick" });
    }
  });
  onState(show);
}
