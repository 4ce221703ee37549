/* Parts that the interactive figures share: elements, a slider with a number box, axes, the address. */
"use strict";

umixup.parts = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  let count = 0;
  const unique = (name) => `umixup-${name}-${(count += 1)}`;

  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const html = (name, attributes = {}, ...children) =>
    fill(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) =>
    fill(document.createElementNS(SVG, name), attributes, children);

  const button = (text, onClick, attributes = {}) => {
    const made = html("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", onClick);
    return made;
  };

  // A sentence that a screen reader says when it has come to rest. Sighted readers see it at once.
  const liveSentence = () => {
    const shown = html("p", { class: "um-sentence", "aria-hidden": "true" });
    const spoken = html("p", { class: "visually-hidden um-live", role: "status", "aria-live": "polite" });
    let waiting;
    const say = (text) => {
      shown.textContent = text;
      clearTimeout(waiting);
      waiting = setTimeout(() => { if (spoken.textContent !== text) spoken.textContent = text; }, 250);
    };
    return { say, elements: [shown, spoken] };
  };

  // A slider and a number box for one number. `read` turns the box's text into a value and throws a
  // RangeError for the reader; `change` takes the value, and may throw as well. A bad value gets a
  // message and changes nothing.
  const control = ({ label, name, min, max, step, fromSlider, toSlider, read, text, words, change }) => {
    const id = unique(name);
    const slider = html("input", { type: "range", id, min, max, step, "data-name": name });
    const box = html("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", size: 7, "data-name": name,
      "aria-label": `${label}, as a number`, "aria-describedby": `${id}-error`,
    });
    const error = html("p", { class: "um-error", id: `${id}-error`, role: "alert" });
    const complain = (message) => {
      error.textContent = message;
      box.toggleAttribute("aria-invalid", false);
      if (message) box.setAttribute("aria-invalid", "true");
    };
    const attempt = (value, loud) => {
      try {
        change(value());
        complain("");
      } catch (problem) {
        if (!(problem instanceof RangeError)) throw problem;
        if (loud) complain(problem.message);
      }
    };
    slider.addEventListener("input", () => attempt(() => fromSlider(Number(slider.value)), true));
    box.addEventListener("input", () => attempt(() => read(box.value), false)); // still typing
    box.addEventListener("change", () => attempt(() => read(box.value), true));
    box.addEventListener("blur", () => { if (!error.textContent) box.value = box.dataset.good; });
    const show = (value) => {
      slider.value = toSlider(value);
      slider.setAttribute("aria-valuetext", words(value));
      box.dataset.good = text(value);
      if (document.activeElement === box) return; // the reader is typing there
      box.value = box.dataset.good;
      complain("");
    };
    const element = html("div", { class: "um-control" },
      html("label", { for: id }, label), slider, box, error);
    return { element, show };
  };

  // The frame of a plot: axes with ticks, and the scale.
  const WIDTH = 340;
  const [left, right] = [50, WIDTH - 14];
  const frame = ({ x, y, xTicks, yTicks, xLabel, yLabel, label, height = 230 }) => {
    const [top, bottom] = [10, height - 42];
    const clip = unique("clip");
    const toX = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (right - left);
    const toY = (value) => bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - top);
    const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label });
    const grid = svg("g", { class: "um-grid" });
    for (const [at, name] of xTicks) {
      grid.append(svg("line", { x1: toX(at), x2: toX(at), y1: top, y2: bottom }),
        svg("text", { x: toX(at), y: bottom + 15, "text-anchor": "middle" }, name));
    }
    for (const [at, name] of yTicks) {
      grid.append(svg("line", { x1: left, x2: right, y1: toY(at), y2: toY(at) }),
        svg("text", { x: left - 5, y: toY(at) + 4, "text-anchor": "end" }, name));
    }
    grid.append(svg("text", { x: (left + right) / 2, y: height - 8, "text-anchor": "middle" }, xLabel),
      svg("text", { transform: `translate(13 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel));
    const inside = svg("g", { "clip-path": `url(#${clip})` });
    root.append(
      svg("clipPath", { id: clip }, svg("rect", { x: left, y: top, width: right - left, height: bottom - top })),
      grid, inside);
    return { root, inside, toX, toY };
  };

  // While the pointer is down in the picture at the head of an element, calls `move` with its place:
  // from 0 at the plot's left edge to 1 at its right one. The picture may be drawn anew meanwhile.
  const dragged = (element, move, [from, to] = [left, right]) => {
    const at = (event) => {
      const place = element.firstElementChild.getBoundingClientRect();
      const share = ((event.clientX - place.left) / place.width) * WIDTH;
      move(Math.min(Math.max((share - from) / (to - from), 0), 1));
    };
    element.classList.add("um-drag");
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !element.firstElementChild.contains(event.target)) return;
      element.setPointerCapture(event.pointerId);
      at(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) at(event);
    });
  };

  const path = (points) =>
    points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

  // Ticks at round numbers, about `number` of them.
  const ticks = (least, most, number = 4) => {
    const rough = (most - least) / number;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find((k) => k * power >= rough) || 10);
    const found = [];
    for (let k = Math.ceil(least / step); k * step <= most * (1 + 1e-9); k += 1) {
      found.push([k * step, String(Number((k * step).toPrecision(6)))]);
    }
    return found;
  };

  // A value of the address's query. It is written when the reader rests, and never makes history.
  const address = (key) => {
    let waiting;
    const put = (value) => {
      const url = new URL(location.href);
      if (value === null) url.searchParams.delete(key);
      else url.searchParams.set(key, value);
      url.search = url.search.replaceAll("%2C", ",");
      if (url.href !== location.href) history.replaceState(history.state, "", url.href);
    };
    return {
      get: () => new URL(location.href).searchParams.get(key),
      put: (value) => { clearTimeout(waiting); waiting = setTimeout(() => put(value), 200); },
    };
  };

  const percent = (share, under = "under ", over = "over ") => {
    if (share > 0 && share < 0.001) return `${under}0.1\u00a0%`;
    if (share < 1 && share > 0.999) return `${over}99.9\u00a0%`;
    const value = 100 * share;
    return `${value < 1 || value > 99 ? Number(value.toFixed(1)) : Math.round(value)}\u00a0%`;
  };

  // Called at once, and again when the reader changes between light and dark.
  const withTheme = (draw) => {
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    draw();
  };

  // Put a figure's parts into its box, which is then a region with a name.
  const present = (box, label, ...parts) => {
    box.replaceChildren(...parts);
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", label);
    box.classList.add("um-figure");
  };

  return {
    present, html, svg, button, unique, liveSentence, control, frame, dragged, path, ticks, address, percent,
    withTheme,
  };
})();
