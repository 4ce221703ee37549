/* A link to a theorem, an equation, a figure, an exercise or a book shows it, on hover and on focus. */
"use strict";

(() => {
  const LINKS = ".bd-article a.reference.internal[href*='#']";
  const DELAY = 200; // milliseconds before it opens, and before it closes
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const known = {}; // page -> promise of its boxes
  const arrived = {}; // page -> what tells the promise

  window.addPreviews = (page, boxes) => arrived[page](boxes);

  const boxesOf = (page) => {
    known[page] = known[page] || new Promise((resolve) => {
      arrived[page] = resolve;
      const script = document.createElement("script");
      script.src = new URL(`_static/previews/${page.replaceAll("/", "-")}.js`, root);
      script.onerror = () => resolve({}); // nothing on that page has a preview
      document.head.append(script);
    });
    return known[page];
  };

  const boxOf = async (link) => {
    const target = new URL(link.href);
    const page = target.href.slice(root.href.length).split(/[?#]/)[0].replace(/\.html$/, "");
    return (await boxesOf(page))[decodeURIComponent(target.hash.slice(1))];
  };

  const popup = document.createElement("div");
  Object.assign(popup, { id: "preview", className: "preview bd-article", hidden: true });
  popup.setAttribute("role", "tooltip");
  let shown = null; // the link whose preview is open
  let timer = 0;

  const close = () => {
    clearTimeout(timer);
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    popup.hidden = true;
  };

  const place = (link) => {
    const line = link.getClientRects()[0];
    const { offsetWidth: width, offsetHeight: height } = popup;
    const left = Math.max(8, Math.min(line.left, document.documentElement.clientWidth - width - 8));
    const below = line.bottom + 6;
    const fits = below + height < window.innerHeight || line.top < height + 12;
    popup.style.left = `${left + scrollX}px`;
    popup.style.top = `${(fits ? below : line.top - height - 6) + scrollY}px`;
  };

  const open = async (link) => {
    const html = await boxOf(link);
    if (link !== wanted || !html) return;
    close();
    popup.innerHTML = html;
    popup.querySelectorAll("[data-src]").forEach((image) => {
      image.onload = () => place(link);
      image.src = new URL(image.dataset.src, root);
    });
    document.body.append(popup);
    popup.hidden = false;
    shown = link;
    link.setAttribute("aria-describedby", popup.id);
    place(link);
  };

  let wanted = null; // the link that is pointed at or has the focus
  const later = (action) => {
    clearTimeout(timer);
    timer = setTimeout(action, DELAY);
  };
  const want = (event) => {
    const link = event.target.closest && event.target.closest(LINKS);
    if (popup.contains(event.target) || (link && link === shown)) clearTimeout(timer);
    else if (link) {
      wanted = link;
      later(() => open(link));
    }
  };
  const leave = (event) => {
    const link = event.target.closest && event.target.closest(LINKS);
    if (!link && !popup.contains(event.target)) return;
    wanted = null;
    later(close);
  };

  document.addEventListener("pointerover", (event) => event.pointerType === "mouse" && want(event));
  document.addEventListener("pointerout", (event) => event.pointerType === "mouse" && leave(event));
  document.addEventListener("focusin", want);
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.addEventListener("click", close);
})();
