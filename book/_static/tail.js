/* Concentration: how often the loss of n pairs is off its mean by ε or more, beside the bound.

       <div class="loss-tail" data-n="20" data-epsilon="0.2">

   Each pair costs 0 or δ, like a fair coin: the case that uses the whole spread as often as it can.
   The probability is then an exact sum of binomial coefficients; the bound is 2 exp(−2nε²/δ²). */
"use strict";

(() => {
  const { present, html, svg, control, liveSentence, frame, dragged, path, address } = umixup.parts;

  const MOST = 10000;
  // log k!, once for all n
  const logFactorial = new Float64Array(MOST + 1);
  for (let k = 1; k <= MOST; k += 1) logFactorial[k] = logFactorial[k - 1] + Math.log(k);
  const mass = (n, k) =>
    Math.exp(logFactorial[n] - logFactorial[k] - logFactorial[n - k] - n * Math.LN2);
  // The least k with k/n − ½ ≥ ε; the small number forgives rounding, as of 10 · 0.7.
  const first = (n, epsilon) => Math.ceil(n * (0.5 + epsilon) - 1e-9);
  const tail = (n, epsilon) => {
    let sum = 0;
    for (let k = n; k >= first(n, epsilon); k -= 1) sum += mass(n, k); // small ones first
    return Math.min(1, 2 * sum);
  };
  const bound = (n, epsilon) => Math.min(1, 2 * Math.exp(-2 * n * epsilon * epsilon));
  umixup.tail = { tail, bound };

  const shown = (probability) => {
    if (probability >= 0.001) return String(Number(probability.toPrecision(2)));
    const [digits, exponent] = probability.toExponential(1).split("e-");
    return `${digits} · 10^−${exponent}`;
  };
  const whole = (text) => {
    const n = Number(text.trim());
    if (!(Number.isInteger(n) && n >= 1 && n <= MOST)) throw new RangeError(`n must be a whole number from 1 to ${MOST}.`);
    return n;
  };
  const share = (text) => {
    const epsilon = Number(text.trim().replace(",", "."));
    if (!(epsilon > 0 && epsilon <= 0.5)) throw new RangeError("ε must be above 0, and at most 0.5.");
    return epsilon;
  };

  // The distribution of the mean loss; beyond ε in colour. More than 60 bars are put together.
  const distribution = (n, epsilon) => {
    const width = Math.max(1, Math.ceil(n / 60));
    const reach = Math.min(0.5, Math.max(1.25 * epsilon, 2.2 / Math.sqrt(n)));
    const bars = [];
    for (let k = 0; k <= n; k += width) {
      let total = 0;
      for (let i = k; i < Math.min(k + width, n + 1); i += 1) total += mass(n, i);
      bars.push([k, Math.min(k + width - 1, n), total]);
    }
    const top = 1.1 * Math.max(...bars.map(([, , total]) => total));
    const { root, inside, toX, toY } = frame({
      x: [0.5 - reach - 0.5 / n, 0.5 + reach + 0.5 / n], y: [0, top],
      xTicks: [[0.5 - epsilon, "½ − ε"], [0.5, "½"], [0.5 + epsilon, "½ + ε"]], yTicks: [],
      xLabel: "mean loss of n pairs, in δ", yLabel: "",
      label: `The distribution of the mean loss of ${n} pairs, in units of δ. The coloured tails, ε or more off the middle, have probability ${shown(tail(n, epsilon))}.`,
    });
    for (const [from, to, total] of bars) {
      const [left, right] = [toX((from - 0.5) / n), toX((to + 0.5) / n)];
      const gap = Math.min(1, (right - left) / 5);
      const out = from >= first(n, epsilon) || to <= n - first(n, epsilon);
      inside.append(svg("rect", {
        x: left + gap / 2, width: right - left - gap, y: toY(total), height: toY(0) - toY(total),
        class: `um-bar${out ? " tail" : ""}`,
      }));
    }
    for (const at of [0.5 - epsilon, 0.5 + epsilon]) {
      inside.append(svg("line", { x1: toX(at), x2: toX(at), y1: toY(0), y2: toY(top), class: "um-here" }));
    }
    return root;
  };

  // Both probabilities over n, on logarithmic axes.
  const DEEPEST = 1e-12;
  const overN = (n, epsilon) => {
    const powers = [[0, "1"], [1, "10"], [2, "10²"], [3, "10³"], [4, "10⁴"]];
    const { root, inside, toX, toY } = frame({
      x: [0, 4], y: [Math.log10(DEEPEST), 0.4], xTicks: powers,
      yTicks: [[0, "1"], [-3, "10⁻³"], [-6, "10⁻⁶"], [-9, "10⁻⁹"], [-12, "10⁻¹²"]],
      xLabel: "pairs n", yLabel: "",
      label: `At ${n} pairs the tail has probability ${shown(tail(n, epsilon))}, and the bound is ${shown(bound(n, epsilon))}.`,
    });
    const steps = [...new Set(Array.from({ length: 241 }, (_, k) => Math.round(10 ** (k / 60))))];
    const curve = (f) => path(steps.filter((k) => f(k, epsilon) > DEEPEST / 100)
      .map((k) => [toX(Math.log10(k)), toY(Math.log10(f(k, epsilon)))]));
    const at = toX(Math.log10(n));
    inside.append(
      svg("line", { x1: at, x2: at, y1: toY(-12), y2: toY(0.4), class: "um-here" }),
      svg("path", { d: curve(bound), class: "um-line bound" }),
      svg("path", { d: curve(tail), class: "um-line dat" }));
    for (const f of [bound, tail]) {
      const value = f(n, epsilon);
      if (value > DEEPEST) root.append(svg("circle", { cx: at, cy: toY(Math.log10(value)), r: 5, class: "um-point" }));
    }
    return root;
  };

  const build = (box, index) => {
    const place = address(index ? `tail${index + 1}` : "tail");
    let [n, epsilon] = [whole(box.dataset.n || "20"), share(box.dataset.epsilon || "0.2")];
    try {
      const [nText, epsilonText] = (place.get() || "").split(",");
      if (place.get() !== null) [n, epsilon] = [whole(nText), share(epsilonText || "")];
    } catch (problem) {
      if (!(problem instanceof RangeError)) throw problem;
    }
    const live = liveSentence();
    const [left, right] = [html("div"), html("div")];
    let waiting = 0;
    const set = (changes) => {
      ({ n, epsilon } = { n, epsilon, ...changes });
      place.put(`${n},${epsilon}`);
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(show);
    };
    const pairs = control({
      label: "pairs n", name: "n", min: 0, max: 4, step: 0.02,
      fromSlider: (value) => Math.round(10 ** value), toSlider: Math.log10, read: whole, text: String,
      words: (value) => `${value} pairs`, change: (value) => set({ n: value }),
    });
    const distance = control({
      label: "ε, in δ", name: "epsilon", min: 0.01, max: 0.5, step: 0.01,
      fromSlider: (value) => Number(value.toFixed(2)), toSlider: (value) => value, read: share, text: String,
      words: (value) => `${value} of the spread delta`, change: (value) => set({ epsilon: value }),
    });
    const key = (kind, text) => html("li", {}, svg("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" },
      svg("line", { x1: 1, x2: 25, y1: 4, y2: 4, class: `um-line ${kind}` })), text);
    const show = () => {
      pairs.show(n);
      distance.show(epsilon);
      left.replaceChildren(distribution(n, epsilon));
      right.replaceChildren(overN(n, epsilon),
        html("ul", { class: "um-legend" }, key("dat", "the tails, exactly"), key("bound", "the bound, 2 exp(−2nε²/δ²)")));
      live.say(`The loss of ${n} ${n === 1 ? "pair" : "pairs"} is off its mean by ${epsilon} δ or more with probability ${shown(tail(n, epsilon))}. `
        + `The bound says: at most ${shown(bound(n, epsilon))}.`);
    };
    dragged(right, (at) => set({ n: Math.round(10 ** (4 * at)) }));
    present(box, "The tail of the mean loss",
      html("div", { class: "um-groups" }, pairs.element, distance.element), ...live.elements,
      html("div", { class: "um-panels" },
        html("figure", { class: "um-panel" }, html("figcaption", {}, "How often the mean loss lies where"), left),
        html("figure", { class: "um-panel" }, html("figcaption", {}, "Probability of the tails, and its bound"), right)));
    show();
    box.dataset.ready = "";
  };

  document.querySelectorAll(".loss-tail").forEach(build);
})();
