/* The search page: MiniSearch over the book's sections, theorems, exercises and names. */
"use strict";

(() => {
  const SHOWN = 20;
  const DROPPED = new Set(("a an and any are as at be by can do does for from how i in is it its me mine my of on one or "
    + "should that the there this to was we what when where which who why will with you your").split(" "));
  const GREEK = { α: "alpha", β: "beta", γ: "gamma", ε: "epsilon", θ: "theta", κ: "kappa", λ: "lambda", μ: "mu", η: "eta" };
  // What readers call things, beside the book's words.
  const MEANT = {
    loop: ["training", "step"], colab: ["hosted", "notebook"], cite: ["citation", "bibtex"], gpu: ["cuda"],
    amp: ["autocast", "bfloat16", "precision"],
    mix: ["mixup"], cut: ["cutmix"], temperature: ["calibration"], border: ["boundary"],
  };

  // One form of a word: no plural, no endings of verbs; a Greek letter by its name.
  const term = (word) => {
    const plain = GREEK[word] || word.toLowerCase();
    if (DROPPED.has(plain)) return null;
    return plain.length > 4 ? plain.replace(/(?:(?<=.{5})(?:abilit(?:y|ies)|ables?)|ations?|ings?|ies|es|ed|s)$/, "") : plain;
  };

  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    tokenize: (text) => text.split(/[^\p{L}\p{N}]+/u).filter(Boolean),
    processTerm: term,
    searchOptions: {
      boost: { title: 4, page: 2 },
      prefix: (word) => word.length > 3,
      fuzzy: (word) => (word.length > 5 ? 0.2 : false),
      weights: { fuzzy: 0.1, prefix: 0.4 },
      boostDocument: (id, _, stored) => ({ page: 1.4, box: 1.2, name: 0.5 }[ENTRIES[id][3]] || 1),
    },
  });
  index.addAll(ENTRIES.map(([url, title, page, kind, text], id) => ({ id, title, page, text })));

  const terms = (text) => text.split(/[^\p{L}\p{N}]+/u).map((word) => word && term(word)).filter(Boolean);
  // A name of the library answers a question as far as the question says the name.
  const said = ([url, title, page, kind], words) => {
    const name = kind === "name" ? terms(title.split(".").pop()) : [];
    const share = name.filter((word) => words.includes(word)).length / name.length;
    return name.length ? Math.max(share, 0.3) : 1;
  };

  // Many terms of the question should be there: an answer counts by the share that it has.
  const answers = (question) => {
    const asked = [...new Set(terms(question))];
    const found = index.search(question, { combineWith: "OR" });
    const more = asked.flatMap((word) => MEANT[word] || []).join(" ");
    const scores = new Map();
    const add = (one, score) => {
      const known = scores.get(one.id) || { entry: ENTRIES[one.id], words: [], score: 0 };
      scores.set(one.id, { ...known, words: [...known.words, ...one.terms], score: known.score + score });
    };
    found.forEach((one) => add(one, one.score * (one.queryTerms.length / asked.length) ** 2 * said(ENTRIES[one.id], one.terms)));
    if (more) index.search(more).forEach((one) => add(one, 0.3 * one.score));
    return [...scores.values()]
      .sort((one, other) => other.score - one.score)
      .slice(0, SHOWN);
  };

  // The sentence that has most of the words that were found.
  const sentence = (text, words) => {
    const sentences = text.match(/[^.!?]+[.!?]*\s*/g) || [text];
    const has = (one) => {
      const there = new Set(terms(one));
      return words.filter((word) => there.has(word)).length;
    };
    return sentences.reduce((best, one) => (has(one) > has(best) ? one : best), sentences[0]).trim();
  };

  const show = (question) => {
    const box = document.getElementById("search-results");
    const found = question.trim() ? answers(question) : [];
    const status = document.createElement("p");
    status.setAttribute("role", "status");
    if (question.trim()) {
      status.textContent = found.length
        ? `The ${found.length === SHOWN ? "first " : ""}${found.length} answers to “${question}”`
        : `Nothing was found for “${question}”. Try fewer or other words.`;
    }
    const list = document.createElement("ol");
    list.className = "answers";
    for (const { entry: [url, title, page, kind, text], words } of found) {
      const item = document.createElement("li");
      const link = Object.assign(document.createElement("a"), { href: url, textContent: title });
      item.append(link);
      if (kind !== "page") item.append(Object.assign(document.createElement("span"), { textContent: ` ${page}` }));
      item.append(Object.assign(document.createElement("p"), { textContent: sentence(text, words) }));
      list.append(item);
    }
    box.replaceChildren(status, list);
  };

  const question = new URLSearchParams(location.search).get("q") || "";
  document.querySelectorAll("form.bd-search input[type=search]").forEach((field) => { field.value = question; });
  show(question);
  window.answers = answers;
})();
