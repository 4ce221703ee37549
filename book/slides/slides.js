"use strict";
{
  const root = document.documentElement;
  const slides = [...document.querySelectorAll(".slide")];
  const paper = document.getElementById("paper");
  const SIZES = ["@page { size: 1280px 720px; margin: 0 }", "@page { size: A4; margin: 13mm 15mm }"];
  const number = () => Math.min(Math.max(parseInt(location.hash.slice(1), 10) || 1, 1), slides.length);
  const go = (to) => { location.hash = Math.min(Math.max(to, 1), slides.length); };
  const show = () => {
    slides.forEach((slide, k) => slide.classList.toggle("now", k + 1 === number()));
    slides[number() - 1].querySelector("h1, h2").focus({ preventScroll: true });  // it is read aloud
  };
  const KEYS = {
    ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
    ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -Infinity, End: Infinity,
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n" || event.key === "N") {
      paper.textContent = SIZES[Number(root.classList.toggle("notes"))];
    } else if (event.key in KEYS) {
      event.preventDefault();
      go(number() + (event.key === " " && event.shiftKey ? -1 : KEYS[event.key]));
    }
  });
  addEventListener("click", (event) => {
    if (event.target.closest(".note") || String(getSelection())) return;
    go(number() + (event.clientX < innerWidth / 3 ? -1 : 1));
  });
  addEventListener("hashchange", show);
  addEventListener("load", () => requestAnimationFrame(show));  // the browser's own jump comes first
  root.classList.add("js");
  for (const font of document.fonts) font.load();  // also those of slides that are still hidden
  show();
}
