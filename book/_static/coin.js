/* Lemma 1's coin, tossed by the reader: the average of the two losses settles at what MixUp pays.

       <div class="coin-toss" data-lambda="0.7" data-losses="0.3 1.4" data-seed="1">

   The same seed gives the same tosses, in every browser. */
"use strict";

(() => {
  const { present, html, svg, button, liveSentence, frame, path, ticks } = umixup.parts;

  // mulberry32, a small generator: numbers in [0, 1)
  const generator = (seed) => {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 15), z | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
  };

  const build = (box) => {
    const lam = Number(box.dataset.lambda || 0.7);
    const losses = (box.dataset.losses || "0.3 1.4").split(" ").map(Number);
    const names = (box.dataset.names || "x x′").split(" ");
    const labels = box.dataset.names ? names.map((name) => `the label ${name}`) : ["y", "y′"];
    const mixed = lam * losses[0] + (1 - lam) * losses[1];
    const spread = Math.abs(losses[1] - losses[0]) * Math.sqrt(lam * (1 - lam)); // of one toss
    let seed = Number(box.dataset.seed || 1);
    let draw;
    let heads; // how many
    let last;
    let averages;
    const restart = () => {
      draw = generator(seed);
      [heads, last, averages] = [0, undefined, []];
    };

    const live = liveSentence();
    const picture = html("div");
    const plot = html("div");
    const show = () => {
      picture.replaceChildren(umixup.coinPicture({ lam, gamma: lam, losses, names, labels, tossed: last }));
      const n = averages.length;
      const most = Math.max(20, n);
      const [low, high] = [Math.min(...losses), Math.max(...losses)];
      const margin = (high - low) * 0.06;
      const now = n ? averages[n - 1].toFixed(2) : "";
      const { root, inside, toX, toY } = frame({
        x: [0, most], y: [low - margin, high + margin], xTicks: ticks(0, most, 5), yTicks: ticks(low, high, 5),
        xLabel: "tosses", yLabel: "average loss",
        label: n
          ? `The average loss after each of ${n} tosses. It is now ${now}; MixUp’s loss is ${mixed.toFixed(2)}.`
          : `An empty plot, with a line at MixUp’s loss, ${mixed.toFixed(2)}.`,
      });
      // Where the average is, 95 times in 100: two standard deviations to either side.
      const at = Array.from({ length: 100 }, (_, k) => Math.max(1, ((k + 1) / 100) * most));
      const edge = (sign) => at.map((k) => [toX(k), toY(mixed + sign * 1.96 * (spread / Math.sqrt(k)))]);
      inside.append(
        svg("path", { d: `${path([...edge(1), ...edge(-1).reverse()])}Z`, class: "um-band" }),
        svg("line", { x1: toX(0), x2: toX(most), y1: toY(mixed), y2: toY(mixed), class: "um-line mixup" }),
        svg("path", { d: n ? path(averages.map((value, k) => [toX(k + 1), toY(value)])) : "", class: "um-line dat" }));
      if (n) root.append(svg("circle", { cx: toX(n), cy: toY(averages[n - 1]), r: 5, class: "um-point" }));
      plot.replaceChildren(root, html("ul", { class: "um-legend" },
        ...[["dat", "the coin’s average so far"], ["mixup", `MixUp, at once: ${mixed.toFixed(2)}`]].map(([kind, text]) =>
          html("li", {}, svg("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" },
            svg("line", { x1: 1, x2: 25, y1: 4, y2: 4, class: `um-line ${kind}` })), text))),
      html("p", { class: "um-note" }, "At each number of tosses the average lies in the band about 95 times in 100. It narrows like 1/√n."));
      live.say(n
        ? `${n === 1 ? "One toss" : `${n} tosses`}, ${heads} heads. The last: ${last ? "heads" : "tails"}, ${names[last ? 0 : 1]} has moved and keeps ${labels[last ? 0 : 1]}, `
          + `loss ${losses[last ? 0 : 1]}. The average is ${now}; MixUp pays ${mixed.toFixed(2)} at once.`
        : `The point is ${Math.round(100 * lam)} % ${names[0]}. Heads costs ${losses[0]}, tails ${losses[1]}. Toss the coin.`);
      Object.assign(box.dataset, { tosses: n, heads, average: n ? averages[n - 1] : "" });
    };
    const toss = (times) => {
      for (let k = 0; k < times; k += 1) {
        last = draw() < lam;
        heads += Number(last);
        const n = averages.length + 1;
        averages.push((heads * losses[0] + (n - heads) * losses[1]) / n);
      }
      show();
    };
    restart();
    present(box, "Lemma 1’s coin",
      html("div", { class: "um-buttons", role: "group", "aria-label": "the coin" },
        button("toss the coin", () => toss(1)), button("10 times", () => toss(10)), button("100 times", () => toss(100)),
        button("start again", () => { seed += 1; restart(); show(); }, { class: "um-reset" })),
      ...live.elements,
      html("div", { class: "um-panels" },
        html("figure", { class: "um-panel" }, html("figcaption", {}, "Two stories of one point"), picture),
        html("figure", { class: "um-panel" }, html("figcaption", {}, "What the coin pays on average"), plot)));
    show();
    box.dataset.ready = "";
  };

  document.querySelectorAll(".coin-toss").forEach(build);
})();
