// The controls: sliders and switches for settings of the look, and its mask.

import { act, actSoon, facts, isPending, onState, state } from "./link.js";
import { button, el, put } from "./parts.js";

const toSlider = (control, value) => (control.log ? Math.log(value) : value);
const toValue = (control, position) => {
  const value = control.log ? Math.exp(position) : position;
  return Number((Math.round(value / control.step) * control.step).toFixed(4));
};
export const printed = (control, value) => (control.step >= 1 ? String(Math.round(value)) : value.toFixed(control.step < 0.01 ? 3 : 2));
const made = new Map();

// A value of a control by chance, and not the one that it has.
function another({ low, high, step }, value) {
  const count = Math.round((high - low) / step), found = low + step * Math.floor(count * Math.random());
  return found < value ? found : found + step;
}

function slider(control) {
  const id = `control-${control.key}`;
  const input = el("input", {
    type: "range", id, min: toSlider(control, control.low), max: toSlider(control, control.high), step: control.log ? 0.001 : control.step,
  });
  const output = el("output", { for: id });
  let animated = false;
  const back = button("Reset", () => act(animated ? { do: "keys", key: control.key, keys: [] } : { do: "set", key: control.key, value: null }), { class: "reset" });
  back.setAttribute("aria-label", `Reset ${control.label}`);
  const animate = control.animated ? button("Keyframes", () => document.dispatchEvent(new CustomEvent("animate", { detail: control.key })), { class: "reset" }) : null;
  animate?.setAttribute("aria-label", `Keyframes of ${control.label} on the time line`);
  const other = control.key === "seed" ? button("⚂ Try another", () => act({ do: "set", key: control.key, value: another(control, state.look.values[control.key]) }), { class: "reset" }) : null;
  const ends = control.ends[0] ? el("span", { class: "ends", "aria-hidden": "true" }, el("span", {}, control.ends[0]), el("span", {}, control.ends[1])) : null;
  const about = el("p", { class: "about", id: `${id}-about` }, control.about + (control.moving ? " Dream three seconds to see it." : ""));
  input.setAttribute("aria-describedby", about.id);
  input.addEventListener("input", () => {
    const value = toValue(control, Number(input.value));
    put(output, printed(control, value));
    input.setAttribute("aria-valuetext", printed(control, value));
    actSoon(control.key, { do: "set", key: control.key, value });
  });
  // Of a logarithmic slider, a key press is a step of the value.
  input.addEventListener("keydown", event => {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way || !control.log) return;
    event.preventDefault();
    const now = toValue(control, Number(input.value));
    const step = Math.max(control.step, Math.round((0.04 * now) / control.step) * control.step);
    input.value = toSlider(control, Math.min(control.high, Math.max(control.low, now + way * step)));
    input.dispatchEvent(new Event("input"));
  });
  const row = el("div", { class: "control" }, el("div", { class: "head" }, el("label", { for: id }, control.label), el("span", { class: "does" }, other, animate, back, output)), input, ends, about);
  const update = now => {
    const value = now.look.values[control.key];
    animated = Boolean(now.look.keys[control.key]);
    input.disabled = animated;
    if (!isPending(control.key)) {
      input.value = toSlider(control, Math.min(control.high, Math.max(control.low, value)));
      put(output, animated ? "keyframes" : printed(control, value));
      input.setAttribute("aria-valuetext", animated ? "by keyframes" : printed(control, value));
    }
    back.hidden = !now.look.given.includes(control.key) && !(animated && now.look.drawn.includes(control.key));
  };
  return { row, update };
}

function toggle(control) {
  const id = `control-${control.key}`;
  const input = el("input", { type: "checkbox", id, role: "switch" });
  input.addEventListener("change", () => act({ do: "set", key: control.key, value: input.checked }));
  const row = el("div", { class: "control switch" }, el("label", { for: id }, input, el("span", {}, control.label), el("span", { class: "about" }, control.about)));
  return { row, update: now => { input.checked = now.look.values[control.key]; } };
}

function maskChoice() {
  const select = el("select", { id: "mask" });
  select.addEventListener("change", () => act({ do: "mask", mask: select.value || null }));
  const row = el("div", { class: "control" }, el("div", { class: "head" }, el("label", { for: "mask" }, "Where it is dreamed"), select));
  const update = now => {
    const film = now.clip?.film;
    const given = [["", "everywhere"], ["luma", "where it is bright"], ...(film ? [["motion", "where it moves"]] : [])];
    const files = facts.stills.filter(name => name !== now.clip?.name).map(name => [name, `where ${name} is white`]);
    const wanted = [...given, ...files];
    const names = wanted.map(([value]) => value).join("\n");
    if (select.dataset.names !== names) {
      select.dataset.names = names;
      select.replaceChildren(...wanted.map(([value, text]) => el("option", { value }, text)));
    }
    select.value = now.look.mask ?? "";
  };
  return { row, update };
}

export function startAdjust() {
  const parent = document.getElementById("adjust"), groups = new Map();
  const reset = button("Put everything back to the look", () => act({ do: "reset" }), { class: "wide" });
  for (const control of facts.controls) {
    if (!groups.has(control.group)) {
      const group = el("fieldset", {}, el("legend", {}, control.group));
      groups.set(control.group, group);
      parent.append(group);
      if (control.group === "Mask") {
        const choice = maskChoice();
        group.append(choice.row);
        made.set("mask", { ...choice, control: { of: "any" } });
      }
    }
    const one = control.step ? slider(control) : toggle(control);
    groups.get(control.group).append(one.row);
    made.set(control.key, { ...one, control });
  }
  parent.append(reset);
  onState(now => {
    for (const { row, update, control } of made.values()) {
      const kind = now.clip?.film ?? true ? "film" : "still";
      row.hidden = (control.of !== "any" && control.of !== kind) || (control.masks && !now.look.has_mask);
      update(now);
    }
    for (const group of groups.values()) group.hidden = [...group.querySelectorAll(".control")].every(row => row.hidden);
    reset.disabled = !now.look.changed;
  });
}

export const labelOf = key => facts.controls.find(control => control.key === key)?.label ?? key;
export const controlOf = key => facts.controls.find(control => control.key === key);
export const animatable = () => facts.controls.filter(control => control.animated && (!control.masks || state.look.has_mask) && (control.of === "any" || control.of === (state.clip?.film ? "film" : "still")));
