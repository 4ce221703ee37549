/* The explorer's panels of words and pictures: notation to copy, mixed images, the table. */
"use strict";

umixup.panels = (() => {
  const { html, button, percent, unique } = umixup.parts;
  const M = umixup.math;

  // navigator.clipboard is there for pages of a server only; a page from file:// selects and copies.
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch { /* not allowed: the old way */ }
    }
    const field = html("textarea", { "aria-hidden": "true", class: "visually-hidden" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };

  const notation = () => {
    const list = html("dl", { class: "um-schemes" });
    const said = html("p", { class: "um-note", role: "status" });
    const row = (name, text, about) => {
      const press = button("copy", async () => {
        said.textContent = (await copy(text)) ? `${text} is copied.` : "Your browser does not let a page copy.";
        press.focus();
      }, { "aria-label": `copy ${text}`, class: "um-copy" });
      list.append(html("dt", {}, name),
        html("dd", {}, html("code", {}, text), press, html("span", {}, about)));
    };
    const draw = ({ a, b }) => {
      list.replaceChildren();
      said.textContent = "";
      const { dat, umixup: untied, mixup } = M.notation({ a, b });
      row("DAT", dat, "moves a sample, and keeps its label");
      row("UMixUp", untied, "mixes labels by γ");
      if (mixup) row("MixUp", mixup, "mixes labels by λ");
      else list.append(html("dt", {}, "MixUp"), html("dd", {}, html("span", {}, "none has this expected loss: the slope is not 1")));
    };
    const element = html("div", {}, list,
      html("p", { class: "um-note" }, "All have the same expected loss. ", html("code", {}, "um.mixing.UMixUp(\"…\", num_classes=C)"), " takes each."), said);
    return { title: "The same scheme, in notation", element, draw };
  };

  // Pixels are sent as base64, a byte each; drawn on 56 × 56, of which 8 × 8 and 28 × 28 are a part.
  const SIDE = 56;
  const enlarged = ({ side, pixels }) => {
    const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
    const times = SIDE / side;
    return Float64Array.from({ length: SIDE * SIDE }, (_, k) => {
      const [row, column] = [Math.floor(k / SIDE), k % SIDE];
      return bytes[Math.floor(row / times) * side + Math.floor(column / times)];
    });
  };
  const paint = (canvas, first, second, lam) => {
    const context = canvas.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    for (let k = 0; k < first.length; k += 1) {
      const shade = Math.round(lam * first[k] + (1 - lam) * second[k]);
      image.data.set([shade, shade, shade, 255], 4 * k);
    }
    context.putImageData(image, 0, 0);
  };

  const DRAWN = 6;
  const images = (set) => {
    const all = umixup.data.images;
    const pixels = all.map(enlarged);
    const choose = (key, label) => {
      const id = unique(key);
      const menu = html("select", { id, "data-name": key }, ...all.map(({ name }, k) => html("option", { value: k }, name)));
      menu.addEventListener("change", () => set({ [key]: Number(menu.value) }));
      return { menu, element: html("span", {}, html("label", { for: id }, label), menu) };
    };
    const first = choose("first", "x ");
    const second = choose("second", "x′ ");
    const shown = Array.from({ length: DRAWN + 1 }, () => {
      const canvas = html("canvas", { width: SIDE, height: SIDE, role: "img" });
      const words = html("span");
      return { canvas, words, element: html("li", {}, canvas, words) };
    });
    const draw = (state) => {
      first.menu.value = state.first;
      second.menu.value = state.second;
      const names = [all[state.first].name, all[state.second].name];
      shown.forEach(({ canvas, words }, k) => {
        const t = k < DRAWN ? M.quantile(state, (k + 0.5) / DRAWN) : state.t;
        const lam = M.sigmoid(t);
        const gamma = M.weight(state, t);
        paint(canvas, pixels[state.first], pixels[state.second], lam);
        canvas.setAttribute("aria-label", `${percent(lam)} ${names[0]}, ${percent(1 - lam)} ${names[1]}; `
          + `labelled ${percent(gamma)} ${names[0]}, ${percent(1 - gamma)} ${names[1]}`);
        words.replaceChildren(
          `λ ${percent(lam, "<", ">")}`, html("br"), html("strong", {}, `γ ${percent(gamma, "<", ">")}`));
      });
    };
    const list = (from, to) => html("ul", { class: "um-images" }, ...shown.slice(from, to).map((one) => one.element));
    const element = html("div", {},
      html("p", { class: "um-choose" }, first.element, second.element),
      html("p", { class: "um-note" }, "Six draws from p, equally likely, in order: λ is the share of x in the image, γ that of y in the label."),
      list(0, DRAWN), html("div", { class: "um-own" }, html("p", { class: "um-note" }, "And at your λ:"), list(DRAWN)));
    return { title: "Mixed images", element, draw };
  };

  const ROWS = [0, 1e-6, 0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 1 - 1e-6, 1];
  const shortly = (value) => {
    if (value === Infinity) return "∞";
    if (value === 0 || (value >= 0.001 && value < 10000)) return String(Number(value.toPrecision(3)));
    return String(Number(value.toPrecision(3)).toExponential()).replace("e-", "e−").replace("e+", "e");
  };
  const table = () => {
    const body = html("tbody");
    const head = ["λ", "p(λ)", "q(λ)", "q(1 − λ)", "γ(λ)"].map((name) => html("th", { scope: "col" }, name));
    const draw = (q) => {
      body.replaceChildren(...ROWS.map((lam) => {
        const t = M.logit(lam);
        const values = [M.logSymmetrised(q, t), M.logDensity(q, t), M.logDensity(M.mirror(q), t)].map(Math.exp);
        const cells = [...values, M.weight(q, t)].map((value) => html("td", {}, shortly(value)));
        return html("tr", {}, html("th", { scope: "row" }, lam > 0.9999 && lam < 1 ? `1 − ${shortly(1 - lam)}` : shortly(lam)), ...cells);
      }));
    };
    const element = html("details", { class: "um-table" },
      html("summary", {}, "The numbers, as a table"),
      html("table", {}, html("caption", {}, "Densities of p, of q and of its mirror, and the label’s weight γ"),
        html("thead", {}, html("tr", {}, ...head)), body));
    return { element, draw };
  };

  return { notation, images, table };
})();
