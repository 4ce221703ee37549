/* The policy explorer. It takes the place of what stands in each

       <div class="policy-explorer" data-alpha="2.2" data-beta="0.9" data-lambda="0.7"
            data-panels="densities weight" data-controls="slope lambda">

   All attributes may be left out. Panels: densities weight coin notation images boundary table.
   Controls: presets slope alpha lambda. The state stands in the address, as ?explorer=…; the second
   explorer of a page has ?explorer2=…, and so on. */
"use strict";

(() => {
  const { present, html, button, control, liveSentence, address, percent } = umixup.parts;
  const M = umixup.math;
  const { CHANGES, number, rounded, lamText, readLam, write, read } = umixup.state;

  const toLam = (set) => (lam) => set({ t: M.logit(Number(lam.toFixed(3))) }); // from a drag
  const PANELS = {
    densities: (set) => umixup.draw.densities(toLam(set)),
    weight: (set) => umixup.draw.weight(toLam(set)),
    coin: (set) => umixup.draw.coin(toLam(set)),
    notation: () => umixup.panels.notation(),
    images: (set) => umixup.panels.images(set),
    boundary: () => umixup.plane.panel(),
  };
  const PRESETS = [
    ["MixUp(1)", 2, 1], ["MixUp(0.2)", 1.2, 0.2], ["the paper’s CIFAR10", 2.2, 0.9],
    ["B(3, 1)", 3, 1], ["B(12, 8)", 12, 8], ["uniform DAT", 1, 1], ["nearly hard labels", 30, 10], ["nearly ERM", 5, 0.05],
  ];

  const log10 = Math.log10;
  const power = (value) => rounded(10 ** value, 3);
  const short = (value) => String(rounded(value, 4));
  const slopeWords = (s) => {
    if (s < -1e-12) return "labels lean to the farther sample";
    if (Math.abs(s) < 1e-12) return "labels are half and half everywhere";
    if (Math.abs(s - 1) < 1e-12) return "labels are MixUp’s";
    if (s < 1) return "labels are softer than MixUp’s";
    return s < 15 ? "labels are steeper than MixUp’s" : "labels are nearly those of the nearer sample";
  };
  const strengthWords = (m) => `a sample moves ${percent(m)} of the way to its partner on average`;

  const sentence = (state) => {
    const [m, s, gamma] = [M.strength(state), M.slope(state), M.weight(state, state.t)];
    const lam = lamText(state.t).replace("-", " − ");
    return `B(${state.a}, ${state.b}): ${strengthWords(m)}, and ${slopeWords(s)} (slope ${short(s)}). `
      + `At λ = ${lam} the label is ${percent(gamma)} y and ${percent(1 - gamma)} y′.`;
  };

  const controls = (get, set, kinds) => {
    const policy = (key) => (value) => set(CHANGES[key](get(), value));
    const parameter = (key, letter, word) => control({
      label: `${letter}`, name: word, min: -2, max: 2, step: 0.02,
      fromSlider: power, toSlider: log10, read: (text) => number(text, letter), text: String,
      words: (value) => `${word} ${value}`, change: policy(key),
    });
    return {
      slope: {
        legend: "Strength and slope",
        rows: [
          [M.strength, control({
            label: "strength m", name: "strength", min: 0.005, max: 0.495, step: 0.005,
            fromSlider: (value) => rounded(value, 6), toSlider: (value) => value,
            read: (text) => number(text, "The strength"), text: short, words: (value) => `${short(value)}: ${strengthWords(value)}`,
            change: policy("m"),
          })],
          [M.slope, control({
            label: "slope s", name: "slope", min: -1.6, max: 2, step: 0.02,
            fromSlider: power, toSlider: (value) => log10(Math.max(value, 0.025)),
            read: (text) => number(text, "The slope"), text: short, words: (value) => `${short(value)}: ${slopeWords(value)}`,
            change: policy("s"),
          })],
        ],
      },
      alpha: {
        legend: `${kinds.includes("slope") ? "or " : ""}α and β, where α = β + s`,
        rows: [[({ a }) => a, parameter("a", "α", "alpha")], [({ b }) => b, parameter("b", "β", "beta")]],
      },
      lambda: {
        legend: "Where on the segment",
        rows: [[({ t }) => t, control({
          label: "λ", name: "lambda", min: 0, max: 1, step: 0.01,
          fromSlider: (lam) => M.logit(lam), toSlider: M.sigmoid,
          read: readLam, text: lamText,
          words: (t) => `${percent(M.sigmoid(t))} x, ${percent(M.sigmoid(-t))} x prime`, change: (t) => set({ t }),
        })]],
      },
    };
  };

  const words = (text, all) => (text ? text.split(/\s+/) : all);

  const build = (box, index) => {
    const place = address(index ? `explorer${index + 1}` : "explorer");
    const count = umixup.data.images.length;
    const { alpha = "2.2", beta = "0.9", lambda = "0.7" } = box.dataset;
    const { first = "4", second = "6" } = box.dataset; // which images
    const initial = read([alpha, beta, lambda, first, second].join(), count);
    let state = initial;
    try {
      if (place.get() !== null) state = read(place.get(), count);
    } catch (problem) {
      if (!(problem instanceof RangeError)) throw problem; // an address from elsewhere: start anew
    }

    const live = liveSentence();
    const names = words(box.dataset.panels, [...Object.keys(PANELS), "table"]);
    const kinds = words(box.dataset.controls, ["presets", "slope", "alpha", "lambda"]);
    const show = () => {
      shown.forEach(([value, row]) => row.show(value(state)));
      presets.forEach(([a, b, press]) => press.setAttribute("aria-pressed", String(a === state.a && b === state.b)));
      drawn.forEach((panel) => panel.draw(state));
      live.say(sentence(state));
    };
    let waiting = 0; // several events of one frame are drawn once
    const set = (changes) => {
      state = { ...state, ...changes };
      place.put(write(state));
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(show);
    };

    const all = controls(() => state, set, kinds);
    const groups = kinds.filter((kind) => kind in all).map((kind) => all[kind]);
    const shown = groups.flatMap(({ rows }) => rows);
    const presets = PRESETS.map(([name, a, b]) =>
      [a, b, button(name, () => set({ a, b }), { "aria-pressed": "false" })]);
    const reset = button("reset", () => { set(initial); place.put(null); }, { class: "um-reset" });
    const panels = names.filter((name) => name in PANELS)
      .map((name) => ({ name, ...PANELS[name](set) }));
    const table = names.includes("table") ? [umixup.panels.table()] : [];
    const drawn = [...panels, ...table];

    present(box, index ? `Policy explorer ${index + 1}` : "Policy explorer",
      html("div", { class: "um-buttons", role: "group", "aria-label": "presets" },
        ...(kinds.includes("presets") ? presets.map(([, , press]) => press) : []), reset),
      html("div", { class: "um-groups" }, ...groups.map(({ legend, rows }) =>
        html("fieldset", {}, html("legend", {}, legend), ...rows.map(([, row]) => row.element)))),
      ...live.elements,
      html("div", { class: "um-panels" }, ...panels.map(({ name, title, element }) =>
        html("figure", { class: "um-panel", "data-panel": name }, html("figcaption", {}, title), element))),
      ...table.map(({ element }) => element));
    show();
    box.dataset.ready = "";
  };

  document.querySelectorAll(".policy-explorer").forEach(build);
})();
