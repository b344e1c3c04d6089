// The queue of films: make one, watch its frames, stop it, go on, see it.

import { act, facts, onState, picture, root, say, sentence } from "./link.js";
import { askForFilm, copy } from "./make.js";
import { button, el, keep, openDialog, picturesTo, put } from "./parts.js";

const WORDS = { waiting: "waits", failed: "failed" }; // the other states say it themselves

function make(render) {
  const actions = el("div", { class: "acts" });
  const item = el("li", { class: "film" },
    el("div", { class: "shot" }, el("img", { alt: "" })),
    el("div", { class: "told" }, el("h2", { tabIndex: -1 }, render.name), el("progress", { max: 1, "aria-label": `How far ${render.name} is` }), el("p", { class: "said" }), actions),
  );
  const act1 = (text, what, label) => button(text, () => act({ do: what, number: render.number }), { data: { what }, "aria-label": `${label} ${render.name}` });
  actions.append(
    act1("Stop", "stop", "Stop"), act1("Go on", "resume", "Go on with"),
    button(render.film ? "Play" : "Show", () => play(render), { data: { what: "play" }, class: "main", "aria-label": `${render.film ? "Play" : "Show"} ${render.name}` }),
    button("Copy the terminal command", () => copy(render.line), { data: { what: "copy" }, "aria-label": `Copy the terminal command of ${render.name}` }),
    act1("Take off the list", "forget", "Take off the list:"),
  );
  return item;
}

function play(render) {
  const src = `${root}films/${render.number}`;
  const film = () => el("video", { src, controls: true, loop: true, autoplay: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  openDialog(render.name, render.film ? film() : el("img", { src, alt: "" }), el("p", { class: "faint" }, `It lies in ${facts.folder}, as ${render.name}.`));
}

const MAY = { waiting: ["stop"], running: ["stop"], stopped: ["resume", "forget"], failed: ["resume", "forget"], done: ["play", "forget"] };

function update(item, render) {
  item.dataset.state = render.state;
  picturesTo(item.querySelector("img"), render.picture ? picture(render.picture) : "");
  put(item.querySelector(".said"), sentence([WORDS[render.state], render.said].filter(Boolean).join(": ")));
  const bar = item.querySelector("progress");
  bar.hidden = !["running", "stopped"].includes(render.state) || !render.total;
  bar.value = render.total ? render.done / render.total : 0;
  const may = [...(render.film || render.state !== "running" ? MAY[render.state] : []), ...(render.line ? ["copy"] : [])];
  for (const each of item.querySelectorAll("[data-what]")) {
    const hidden = !may.includes(each.dataset.what);
    if (hidden && each === document.activeElement) item.querySelector("h2").focus();
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
