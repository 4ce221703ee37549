// Typesets the formulas of built pages with MathJax:
//     node formulas.js MATHJAX FONTS PAGE...
// MATHJAX is a folder with its files, FONTS the address of its fonts from the style sheet. The pages
// are written in place, with <link> to no style sheet yet; the style sheet goes to standard output.
"use strict";

const fs = require("fs");
const path = require("path");

const [folder, fontURL, ...pages] = process.argv.slice(2);

const CHARACTERS = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#39;": "'" };
const unescaped = (html) => html.replace(/&(lt|gt|amp|quot|#39);/g, (name) => CHARACTERS[name]);

// Sphinx writes \(...\) into span.math and \[...\], behind the number if there is one, into div.math.
const INLINE = /(<span class="math[^>]*>)\\\(([^<]*)\\\)(?=<\/span>)/g;
const DISPLAYED = /(<div class="math[^>]*>(?:(?!<\/div>)[^])*?)\\\[([^<]*)\\\](?=\s*<\/div>)/g;

// What a page in HTML says without it; the style sheet has the position.
const UNNEEDED = / (?:xmlns="[^"]*"|unselectable="on"|style="position: relative;"|data-mjx-[a-z-]+="[^"]*"|stretchy="false"|texclass="[A-Z]*")/g;
const POSITION = "\nmjx-container {\n  position: relative;\n}\n";

const main = async () => {
  const { init } = require(path.join(folder, "node-main.js"));
  const MathJax = await init({
    loader: { load: ["input/tex-full", "output/chtml", "a11y/assistive-mml"] },
    tex: {
      packages: { "[-]": ["noerrors", "noundefined"] },
      formatError: (_, error) => { throw error; },
    },
    chtml: { fontURL },
    startup: { typeset: false },
  });
  const { adaptor } = MathJax.startup;
  const known = new Map();
  const typeset = (tex, display) => {
    const key = `${display} ${tex}`;
    if (!known.has(key)) {
      try {
        const html = adaptor.outerHTML(MathJax.tex2chtml(unescaped(tex), { display }));
        known.set(key, html.replace(UNNEEDED, ""));
      } catch (error) {
        throw new Error(`${unescaped(tex)}: ${error.message}`);
      }
    }
    return known.get(key);
  };
  for (const page of pages) {
    const html = fs.readFileSync(page, "utf8");
    const set = html
      .replace(INLINE, (_, before, tex) => before + typeset(tex, false))
      .replace(DISPLAYED, (_, before, tex) => before + typeset(tex, true))
      .replaceAll('class="math notranslate nohighlight"', 'class="math notranslate"');
    fs.writeFileSync(page, set);
  }
  process.stdout.write(adaptor.textContent(MathJax.chtmlStylesheet()) + POSITION);
};

main().catch((error) => {
  process.stderr.write(`${error.stack || error}\n`);
  process.exitCode = 1;
});
