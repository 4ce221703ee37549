/* The decision boundary: tiny networks, trained beforehand on a grid of strengths and slopes. */
"use strict";

umixup.plane = (() => {
  const { html, svg, frame, path, percent, withTheme } = umixup.parts;
  const M = umixup.math;
  const { rounded } = umixup.state;

  // 2 -> hidden -> hidden -> 1 with tanh; weights row by row, then biases. The logit of ▲.
  const logitOf = (network, x, y) => {
    const width = umixup.data.plane.hidden;
    let at = 0;
    const layer = (inputs, outputs) => {
      const sums = Array.from({ length: outputs }, () => {
        let sum = 0;
        for (const input of inputs) sum += network[at++] * input;
        return sum;
      });
      return sums.map((sum) => sum + network[at++]);
    };
    const first = layer([x, y], width).map(Math.tanh);
    return layer(layer(first, width).map(Math.tanh), 1)[0];
  };

  // The trained setting that is nearest: the strength by its distance, the slope by its ratio.
  const snap = (q) => {
    const { strengths, slopes, networks, erm } = umixup.data.plane;
    const [m, s] = [M.strength(q), M.slope(q)];
    if (m < strengths[0] / 2) return { network: erm, name: "ERM, without any mixing" };
    const nearest = (values, far) => values.reduce((best, value, k) => (far(value) < far(values[best]) ? k : best), 0);
    const i = nearest(strengths, (value) => Math.abs(value - m));
    const j = nearest(slopes, (value) => Math.abs(Math.log(value / Math.max(s, 1e-9))));
    return {
      network: networks[i * slopes.length + j], strength: strengths[i], slope: slopes[j],
      name: `strength ${strengths[i]}, slope ${slopes[j]}`,
    };
  };

  const [ACROSS, UP] = [61, 49];
  const X = [-1.8, 2.8];
  const Y = [-1.5, 2.0];
  const nodes = (network) => {
    const xs = Array.from({ length: ACROSS }, (_, k) => X[0] + (k / (ACROSS - 1)) * (X[1] - X[0]));
    const ys = Array.from({ length: UP }, (_, k) => Y[0] + (k / (UP - 1)) * (Y[1] - Y[0]));
    return { xs, ys, z: ys.map((y) => xs.map((x) => logitOf(network, x, y))) };
  };
  // Where z = 0: a piece of line through each cell that has both signs.
  const boundary = ({ xs, ys, z }) => {
    const pieces = [];
    for (let j = 0; j + 1 < UP; j += 1) {
      for (let i = 0; i + 1 < ACROSS; i += 1) {
        const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
        const cuts = [];
        corners.forEach(([c, r], k) => {
          const [c2, r2] = corners[(k + 1) % 4];
          const [from, to] = [z[r][c], z[r2][c2]];
          if (from > 0 === to > 0) return;
          const part = from / (from - to);
          cuts.push([xs[c] + part * (xs[c2] - xs[c]), ys[r] + part * (ys[r2] - ys[r])]);
        });
        for (let k = 0; k + 1 < cuts.length; k += 2) pieces.push([cuts[k], cuts[k + 1]]);
      }
    }
    return pieces;
  };
  // The more certain the network, the fuller the colour of its class.
  const shading = ({ z }, element) => {
    const canvas = html("canvas", { width: ACROSS, height: UP });
    const context = canvas.getContext("2d");
    const colours = ["--um-second", "--um-first"].map((name) => {
      const hex = getComputedStyle(element).getPropertyValue(name).trim();
      return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
    });
    const image = context.createImageData(ACROSS, UP);
    z.forEach((row, j) => row.forEach((value, i) => {
      const p = M.sigmoid(value);
      const alpha = Math.round(150 * Math.abs(2 * p - 1));
      image.data.set([...colours[Number(p > 0.5)], alpha], 4 * ((UP - 1 - j) * ACROSS + i));
    }));
    context.putImageData(image, 0, 0);
    return canvas.toDataURL();
  };

  const panel = () => {
    const picture = html("div");
    const told = html("p", { class: "um-note um-snap" });
    const element = html("div", {}, picture, told);
    const { points, labels } = umixup.data.plane;
    let last;
    const paint = () => {
      if (!last) return;
      const found = nodes(last.network);
      const { root, inside, toX, toY } = frame({
        x: X, y: Y, xTicks: [[-1, "−1"], [0, "0"], [1, "1"], [2, "2"]], yTicks: [[-1, "−1"], [0, "0"], [1, "1"]],
        xLabel: "first coordinate", yLabel: "second coordinate", height: 280,
        label: `Two half-moons of points, and the decision boundary of a network trained with ${last.name}.`,
      });
      const half = [(X[1] - X[0]) / (ACROSS - 1) / 2, (Y[1] - Y[0]) / (UP - 1) / 2];
      const [x, y] = [toX(X[0] - half[0]), toY(Y[1] + half[1])];
      inside.append(svg("image", {
        href: shading(found, element), x, y, preserveAspectRatio: "none",
        width: toX(X[1] + half[0]) - x, height: toY(Y[0] - half[1]) - y,
      }));
      points.forEach(([px, py], k) => {
        const [cx, cy] = [toX(px), toY(py)];
        inside.append(labels[k]
          ? svg("path", { d: `M${cx} ${cy - 3.6}l3.4 6h-6.8Z`, class: "um-sample first" })
          : svg("circle", { cx, cy, r: 2.6, class: "um-sample second" }));
      });
      const line = boundary(found).map((ends) => path(ends.map(([a, b]) => [toX(a), toY(b)]))).join("");
      inside.append(svg("path", { d: line, class: "um-boundary" }));
      picture.replaceChildren(root);
    };
    const draw = (q) => {
      const now = snap(q);
      const own = `strength ${rounded(M.strength(q), 3)}, slope ${rounded(M.slope(q), 3)}`;
      if (!last || last.network !== now.network) {
        last = now;
        last.sure = points.filter(([x, y]) => Math.abs(logitOf(now.network, x, y)) > Math.log(19)).length / points.length;
        paint();
      }
      told.textContent = `${own === now.name ? "Trained with" : `Snapped: yours is ${own}; the nearest network was trained with`} `
        + `${now.name}. It is more than 95 % sure of ${percent(last.sure)} of its training points. One run each.`;
    };
    withTheme(paint);
    return { title: "What a small network learns", element, draw };
  };

  return { panel, snap, logitOf };
})();
