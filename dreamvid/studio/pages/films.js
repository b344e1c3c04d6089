// The queue of films: make one, watch its frames, stop it, go on, see it.

import { act, facts, onState, picture, root, say, state } from "./link.js";
import { button, closeDialog, el, keep, openDialog, picturesTo, put } from "./parts.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied: run it in a terminal, in this folder");
  } catch {
    say("The browser does not let this page copy: select the line yourself", true);
  }
}

function line(text) {
  return el("div", { class: "line" }, el("code", { tabIndex: 0 }, text), button("Copy", () => copy(text), { "aria-label": "Copy the command line" }));
}

export function askForFilm() {
  const { clip, cut, film } = state;
  const name = el("input", { type: "text", value: film.name, required: true, maxLength: 100, spellcheck: false, autocomplete: "off" });
  const sizes = [["", `as the source (${clip.width}×${clip.height})`], ...[1920, 1280, 854, 640, 480].filter(width => width < clip.width).map(width => [`${width}x`, `${width} wide`])];
  if (cut.size && !sizes.some(([value]) => value === cut.size)) sizes.push([cut.size, cut.size]);
  const size = el("select", {}, sizes.map(([value, text]) => el("option", { value }, text)));
  size.value = cut.size ?? "";
  const told = el("p", { class: "error", role: "alert" }), command = el("div");
  const from = cut.start ?? 0, to = cut.stop ?? clip.seconds;
  const length = clip.film ? `${from.toFixed(2)} s to ${to.toFixed(2)} s of ${clip.name}${cut.start === null && cut.stop === null ? ": all of it. The time line cuts it" : ""}.` : `A flight of ${state.look.values["input.seconds"]} s into ${clip.name}.`;
  size.addEventListener("change", async () => {
    await act({ do: "cut", size: size.value || null, start: cut.start, stop: cut.stop });
    setTimeout(() => command.replaceChildren(line(state.film.line)), 300);
  });
  command.append(line(film.line));
  openDialog("Make the film", el("form", { class: "form", on: { submit: async event => {
    event.preventDefault();
    const { error } = await act({ do: "render", name: name.value.trim() }, true);
    if (error) return put(told, error);
    closeDialog();
    await act({ do: "tab", tab: "films" }, true);
    say(`${name.value.trim()} is in the queue`);
  } } },
    el("p", { class: "faint" }, length),
    el("label", {}, "Name of the film, in this folder", name),
    el("label", {}, "Size", size),
    told,
    el("button", { type: "submit", class: "main" }, "Make it"),
    el("h3", {}, "The same in a terminal"),
    command,
  ));
  name.focus();
}

const WORDS = { waiting: "waits", running: "", stopped: "stopped", done: "done", failed: "failed" };

function make(render) {
  const actions = el("div", { class: "acts" });
  const item = el("li", { class: "film" },
    el("div", { class: "shot" }, el("img", { alt: "" })),
    el("div", { class: "told" }, el("h3", {}, render.name), el("progress", { max: 1, "aria-label": `How far ${render.name} is` }), el("p", { class: "said" }), actions),
  );
  const act1 = (text, what, label) => button(text, () => act({ do: what, number: render.number }), { data: { what }, "aria-label": `${label} ${render.name}` });
  actions.append(
    act1("Stop", "stop", "Stop"), act1("Go on", "resume", "Go on with"),
    button("Play", () => play(render), { data: { what: "play" }, class: "main", "aria-label": `Play ${render.name}` }),
    button("Copy line", () => copy(render.line), { data: { what: "copy" }, "aria-label": `Copy the command line of ${render.name}` }),
    act1("Take off the list", "forget", "Take off the list:"),
  );
  return item;
}

function play(render) {
  const film = el("video", { src: `${root}films/${render.number}`, controls: true, loop: true, autoplay: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  openDialog(render.name, film, el("p", { class: "faint" }, `It lies in ${facts.folder}, as ${render.name}.`));
}

const MAY = { waiting: ["stop"], running: ["stop"], stopped: ["resume", "forget"], failed: ["resume", "forget"], done: ["play", "forget"] };

function update(item, render) {
  item.dataset.state = render.state;
  picturesTo(item.querySelector("img"), render.picture ? picture(render.picture) : "");
  put(item.querySelector(".said"), [WORDS[render.state], render.said].filter(Boolean).join(": "));
  const bar = item.querySelector("progress");
  bar.hidden = !["running", "stopped"].includes(render.state) || !render.total;
  bar.value = render.total ? render.done / render.total : 0;
  const may = [...MAY[render.state], ...(render.line ? ["copy"] : [])];
  for (const each of item.querySelectorAll("[data-what]")) {
    const hidden = !may.includes(each.dataset.what);
    if (hidden && each === document.activeElement) item.querySelector("h3").focus();
    each.hidden = hidden;
  }
}

export function startFilms() {
  const told = el("p", { class: "faint lead" }), list = el("ul", { class: "films" });
  const one = button("Make the film of this look", askForFilm, { class: "main wide" });
  document.getElementById("films").append(one, told, list);
  onState((now, before) => {
    for (const render of now.renders) {
      const then = before?.renders.find(each => each.number === render.number);
      if (then && then.state !== render.state && ["done", "failed"].includes(render.state)) say(render.state === "done" ? `${render.name} is done` : `${render.name}: ${render.said}`, render.state === "failed");
    }
    one.disabled = !now.clip;
    put(told, now.renders.length ? "One film is made after another. A film that was stopped goes on where it was, also after the studio was ended." : "No film yet. Choose a look, then make the film: it is written into this folder.");
    keep(list, now.renders, each => each.number, make, update);
  });
}
