/* The book's picture: a segment from x′ to x, the mixed point, and the two stories of the coin.

   `names` and `labels` are those of x and x′. `tossed` is true for heads, false for tails: the other story is then faint. */
"use strict";

umixup.coinPicture = (() => {
  const { svg, percent } = umixup.parts;
  const arrowHead = (x0, y0, x, y) => {
    const angle = Math.atan2(y - y0, x - x0);
    const corner = (turn) => `${x - 9 * Math.cos(angle + turn)} ${y - 9 * Math.sin(angle + turn)}`;
    return `M${x} ${y}L${corner(0.42)}L${corner(-0.42)}Z`;
  };

  const [width, left, right, line] = [340, 22, 318, 112];
  const picture = ({ lam, gamma, tossed, losses, names = ["x", "x′"], labels = ["y", "y′"] }) => {
    const toX = (value) => left + value * (right - left);
    const here = toX(lam);
    const side = (heads) => {
      const [end, way, chance] = heads ? [right, -1, gamma] : [left, 1, 1 - gamma];
      const [from, to] = [end - Math.sign(end - here) * 9, here + Math.sign(end - here) * 8];
      const y = line + way * 9;
      const bow = line + way * Math.min(16 + Math.abs(from - to) * 0.22, 48);
      const arrow = Math.abs(end - here) < 24 ? [] : [
        svg("path", { d: `M${from} ${y}Q${(from + to) / 2} ${bow} ${to} ${y}`, class: "um-arrow" }),
        svg("path", { d: arrowHead((from + to) / 2, bow, to, y), class: "um-head" }),
      ];
      const name = names[heads ? 0 : 1];
      const lines = [
        `${heads ? "heads" : "tails"}, ${percent(chance)}: ${name} has moved,`,
        `and keeps ${labels[heads ? 0 : 1]}${losses ? `; loss ${losses[heads ? 0 : 1]}` : ""}`,
      ];
      const at = heads
        ? { x: right + 12, anchor: "end", y: [22, 40] } : { x: left - 12, anchor: "start", y: [195, 213] };
      const off = tossed !== undefined && tossed !== heads ? " um-off" : "";
      return svg("g", { class: `um-end ${heads ? "first" : "second"}${off}` },
        ...arrow,
        svg("circle", { cx: end, cy: line, r: 8 }),
        svg("text", { x: end, y: line - way * 16 + (way < 0 ? 9 : 0), "text-anchor": "middle", class: "um-name" }, name),
        ...lines.map((text, k) => svg("text", { x: at.x, y: at.y[k], "text-anchor": at.anchor }, text)));
    };
    const root = svg("svg", {
      viewBox: `0 0 ${width} 222`, role: "img",
      "aria-label": `A segment from ${names[1]} to ${names[0]}, and a point that is ${percent(lam)} ${names[0]}. `
        + `Heads, ${percent(gamma)}: ${names[0]} has moved there and keeps ${labels[0]}. `
        + `Tails, ${percent(1 - gamma)}: ${names[1]} has moved there and keeps ${labels[1]}.`,
    },
      svg("line", { x1: left, x2: right, y1: line, y2: line, class: "um-segment" }),
      side(false), side(true),
      svg("circle", { cx: here, cy: line, r: 6.5, class: "um-point" }));
    return root;
  };

  picture.ends = [left, right]; // where x′ and x stand
  return picture;
})();
