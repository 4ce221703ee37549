/* Finds the interactive figures of a page and loads what they need, and no more:

       <div class="policy-explorer">...</div>   the policy explorer
       <div class="coin-toss">...</div>         Lemma 1's coin
       <div class="loss-tail">...</div>         concentration: the tail and its bound
       <script src="../_static/widgets.js"></script>

   What stands inside such a box, a picture and its caption, is what a reader without scripts sees.
   Classic scripts, not modules: a browser loads no modules from file://. */
"use strict";

(() => {
  if (window.umixup) return; // a page may name this file twice
  window.umixup = {};
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  const FIGURES = {
    ".policy-explorer": [
      "explorer-math.js", "explorer-state.js", "coin-picture.js", "explorer-draw.js",
      "explorer-panels.js", "explorer-plane.js", "explorer-data.js", "explorer.js",
    ],
    ".coin-toss": ["coin-picture.js", "coin.js"],
    ".loss-tail": ["tail.js"],
  };
  const load = (name) => {
    const script = document.createElement("script");
    script.async = false; // in order
    script.src = folder + name;
    document.head.append(script);
  };
  const start = () => {
    const found = Object.keys(FIGURES).filter((selector) => document.querySelector(selector));
    if (!found.length) return;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = `${folder}explorer.css`;
    // Nothing is built before it can be seen as it should be.
    style.onload = () => {
      const needed = ["widgets-parts.js", ...found.flatMap((selector) => FIGURES[selector])];
      [...new Set(needed)].forEach(load);
    };
    document.head.append(style);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
