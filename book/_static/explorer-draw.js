/* The explorer's curves and its coin, as SVG. A panel is {title, element, draw(state)}; where
   the reader may drag, it hands λ to `setLam`. */
"use strict";

umixup.draw = (() => {
  const { html, svg, frame, dragged, path, ticks, percent } = umixup.parts;
  const M = umixup.math;
  const GRID = Array.from({ length: 241 }, (_, k) => Math.min(Math.max(k / 240, 5e-4), 1 - 5e-4));
  const HALVES = [[0, "0"], [0.25, "¼"], [0.5, "½"], [0.75, "¾"], [1, "1"]];

  const legend = (...entries) =>
    html("ul", { class: "um-legend" }, ...entries.map(([kind, text]) =>
      html("li", {}, svg("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" },
        svg("line", { x1: 1, x2: 25, y1: 4, y2: 4, class: `um-line ${kind}` })), text)));
  const kindOf = (q) => (M.isMixUp(q) ? "mixup" : "untied");

  // A spike at an end would flatten all the rest: the frame is as high as the curves are between
  // 0.05 and 0.95, and says so where they go on above it.
  const CURVES = [
    ["dat mirrored", (q, t) => M.logDensity(M.mirror(q), t)],
    ["dat", (q, t) => M.logDensity(q, t)],
    ["p", (q, t) => M.logSymmetrised(q, t)],
  ];
  const height = (q) => {
    let inside = 0;
    let all = 0;
    for (const lam of GRID) {
      for (const [, curve] of CURVES) {
        const value = Math.exp(curve(q, M.logit(lam)));
        all = Math.max(all, value);
        if (lam >= 0.05 && lam <= 0.95) inside = Math.max(inside, value);
      }
    }
    return all < 1.4 * inside ? [1.08 * all, false] : [1.15 * Math.max(inside, 0.02), true];
  };

  const densities = (setLam) => {
    const element = html("div");
    dragged(element, setLam);
    const draw = ({ a, b, t }) => {
      const q = { a, b };
      const [top, cut] = height(q);
      const atEnds = `${percent(2 * M.cdfSymmetrised(q, M.logit(0.05)))} of p lies within 0.05 of an end.`;
      const label = `Densities over λ. The DAT policy q is B(${a}, ${b}), its mirror B(${b}, ${a}), `
        + `and p, their mean, is symmetric. ${atEnds}`;
      const { root, inside, toX, toY } = frame({
        x: [0, 1], y: [0, top], xTicks: HALVES, yTicks: ticks(0, top), label,
        xLabel: "λ, the share of x", yLabel: "density",
      });
      for (const [kind, curve] of CURVES) {
        const points = GRID.map((lam) =>
          [toX(lam), toY(Math.min(Math.exp(curve(q, M.logit(lam))), 5 * top))]);
        inside.append(svg("path", { d: path(points), class: `um-line ${kind === "p" ? kindOf(q) : kind}` }));
      }
      const lam = M.sigmoid(t);
      inside.append(svg("line", { x1: toX(lam), x2: toX(lam), y1: toY(0), y2: toY(top), class: "um-here" }));
      const note = cut
        ? `Towards the ends the curves go on above the frame: ${atEnds}`
        : "";
      element.replaceChildren(root,
        legend(["dat", `q = B(${a}, ${b}), the DAT policy`], ["dat mirrored", "its mirror"],
          [kindOf(q), "p, their mean: MixUp’s or UMixUp’s policy"]),
        html("p", { class: "um-note" }, note));
    };
    return { title: "How often each λ is drawn", element, draw };
  };

  const weight = (setLam) => {
    const element = html("div");
    dragged(element, setLam);
    const draw = ({ a, b, t }) => {
      const q = { a, b };
      const gamma = M.weight(q, t);
      const lam = M.sigmoid(t);
      const { root, inside, toX, toY } = frame({
        x: [0, 1], y: [-0.03, 1.03], xTicks: HALVES, yTicks: [[0, "0"], [0.5, "½"], [1, "1"]],
        label: `The label’s weight γ over λ, of slope ${umixup.state.rounded(a - b, 4)}. `
          + `At λ = ${umixup.state.lamText(t)} it is ${percent(gamma)}. MixUp’s is the diagonal.`,
        xLabel: "λ, the share of x", yLabel: "γ, the weight of y",
      });
      const steps = [0, ...GRID, 1].map((at) => [toX(at), toY(M.weight(q, M.logit(at)))]);
      inside.append(
        svg("line", { x1: toX(0), y1: toY(0), x2: toX(1), y2: toY(1), class: "um-line mixup thin" }),
        svg("path", { d: path(steps), class: `um-line ${kindOf(q)}` }),
        svg("path", { d: path([[toX(lam), toY(-1)], [toX(lam), toY(gamma)], [toX(0), toY(gamma)]]), class: "um-here" }),
        svg("circle", { cx: toX(lam), cy: toY(gamma), r: 5.5, class: "um-point" }));
      element.replaceChildren(root,
        legend([kindOf(q), "γ(λ) = q(λ) / (q(λ) + q(1 − λ))"], ["mixup thin", "MixUp’s weight, γ = λ"]));
    };
    return { title: "What the label is", element, draw };
  };

  const coin = (setLam) => {
    const element = html("div");
    dragged(element, setLam, umixup.coinPicture.ends);
    const draw = ({ a, b, t }) => {
      element.replaceChildren(
        umixup.coinPicture({ lam: M.sigmoid(t), gamma: M.weight({ a, b }, t) }));
    };
    return { title: "The coin on the segment", element, draw };
  };

  return { densities, weight, coin };
})();
