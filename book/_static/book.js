/* What the pages do in a browser: open what the address names, and fit formulas to the width. */
"use strict";

// A link to a folded solution, or to something inside one, opens it.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let box = target; box; box = box.parentElement) {
    if (box.matches("details")) box.open = true;
    if (box.matches(".toggle-hidden")) box.querySelector(".toggle-button").click();
  }
  target.scrollIntoView();
};
window.addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href*='#']");
  if (link && link.hash && link.href === location.href) reveal(); // no hashchange comes
});

// A long formula may break after a relation, an operator or a comma of its outermost level; a
// displayed one before a relation or an operator. A short one stays whole.
const LONG = 140; // pixels

const addBreaks = () => {
  const long = [...document.querySelectorAll("mjx-container")]
    .filter((formula) => formula.firstChild.getBoundingClientRect().width > LONG);
  for (const formula of long) {
    const shown = formula.hasAttribute("display");
    const parts = [...formula.querySelectorAll(
      shown ? "mjx-math > *" : ":is(mjx-math, mjx-math > mjx-mrow) > *")];
    for (const part of parts.filter((one) => one.matches("mjx-mo"))) {
      const [here, next] = [part, part.nextElementSibling || part]
        .map((one) => one.getAttribute("space"));
      const operator = here > 2 && here === next; // MathJax sets spaces on both sides
      const comma = part.querySelector(".mjx-c2C") && next === "2";
      if (operator && shown) part.before(document.createElement("wbr"));
      if ((operator || comma) && !shown) part.after(document.createElement("wbr"));
    }
  }
};

// On a narrow screen a displayed formula becomes a little smaller, or breaks; one that is still
// too wide, or an inline one that cannot break, is scrolled and says so (class "wide").
const SMALLER = 0.8;
const SMALLEST = 0.7;

const excess = (formula) => {
  const right = formula.closest("p, li, dd, td, th, figcaption, div").getBoundingClientRect().right;
  return formula.firstChild.getBoundingClientRect().right - right;
};

const fit = () => {
  const inline = [...document.querySelectorAll("span.math")];
  const shown = [...document.querySelectorAll("div.math")];
  const ratio = (box) => {
    const formula = box.querySelector("mjx-container");
    return formula ? formula.clientWidth / formula.firstChild.getBoundingClientRect().width : 1;
  };
  const sized = (boxes, least) => {
    const ratios = boxes.map(ratio);
    boxes.forEach((box, k) => {
      const size = Math.max(least, Math.floor(1000 * ratios[k] - 5) / 1000);
      box.style.fontSize = ratios[k] < 1 ? `${size}em` : "";
    });
  };
  for (const box of [...inline, ...shown]) {
    box.classList.remove("wide", "broken");
    box.style.fontSize = "";
  }
  const long = shown.filter((box) => ratio(box) < 1);
  sized(long, SMALLER);
  const longer = long.filter((box) => ratio(box) < 1);
  for (const box of longer) {
    box.style.fontSize = "";
    box.classList.add("broken");
  }
  sized(longer, SMALLEST);
  longer.filter((box) => ratio(box) < 1).forEach((box) => box.classList.add("wide"));
  inline.filter((box) => box.firstElementChild && excess(box.firstElementChild) > 1)
    .forEach((box) => box.classList.add("wide"));
};

// Again whenever a width changes: of the window, or of a solution that is opened.
const watch = () => {
  const boxes = [...document.querySelectorAll("article, div.math, .toggle > *")];
  let last = "";
  const watcher = new ResizeObserver(() => {
    const widths = boxes.map((box) => box.clientWidth).join();
    if (widths !== last) fit();
    last = widths;
  });
  boxes.forEach((box) => watcher.observe(box));
};

// Nothing can be measured before the formulas' fonts are there, nor shown before it is unfolded.
const loaded = new Promise((resolve) => { window.addEventListener("load", resolve); });
loaded.then(() => document.fonts.ready).then(() => {
  addBreaks();
  fit();
  watch();
  reveal();
  document.documentElement.dataset.fitted = "";
});
