/* The explorer's state: {a, b, t, first, second}, and how each control changes it.

   a and b are rounded when they are set, so that the notation to copy is the state itself, to the
   last digit. A change that leads nowhere throws a RangeError, whose message is for the reader. */
"use strict";

umixup.state = (() => {
  const { sigmoid, logit, slope, strength } = umixup.math;
  const LEAST = 1e-4;
  const MOST = 1e4;

  const rounded = (value, digits) => Number(value.toPrecision(digits));
  const parameter = (value, name) => {
    if (!(value >= LEAST && value <= MOST)) {
      throw new RangeError(`That makes ${name} = ${rounded(value, 3)}; it must be from 0.0001 to 10000.`);
    }
    return value;
  };
  const policy = (a, b) => ({
    a: parameter(rounded(a, 12), "α"),
    b: parameter(rounded(b, 12), "β"),
  });

  const number = (text, name) => {
    const value = Number(text.trim().replace("−", "-").replace(",", "."));
    if (text.trim() === "" || !Number.isFinite(value)) {
      throw new RangeError(`${name} must be a number, such as 0.9.`);
    }
    return value;
  };

  // β = sm/(1 − 2m) and α = β + s, where m and s fit: m < ½ if s > 0, m > ½ if s < 0.
  const fromBoth = (m, s) => {
    const b = rounded((s * m) / (1 - 2 * m), 6);
    return policy(b + s, b);
  };
  const CHANGES = {
    a: (q, a) => policy(a, q.b),
    b: (q, b) => policy(q.a, b),
    m: (q, m) => {
      if (!(m > 0 && m < 1)) throw new RangeError("The strength must lie between 0 and 1.");
      if (slope(q) * (1 - 2 * m) > 0) return fromBoth(m, slope(q));
      const total = q.a + q.b; // the slope cannot stay, so the sum does
      const b = rounded(m * total, 6);
      return policy(total - b, b);
    },
    s: (q, s) => {
      const m = strength(q);
      if (s * (1 - 2 * m) > 0) return fromBoth(m, s);
      if (q.b + s < LEAST) {
        throw new RangeError(`With β = ${q.b} the slope must be above ${-q.b}: α = β + slope is positive.`);
      }
      return policy(q.b + s, q.b); // the strength cannot stay, so β does
    },
  };

  // λ as text: near 1 it is written 1-1e-12, since 0.999999999999 has lost its digits.
  const lamText = (t) => {
    const bar = sigmoid(-t);
    if (bar > 0 && bar < 1e-6) return `1-${rounded(bar, 12)}`;
    const lam = sigmoid(t);
    return String(rounded(lam, lam < 1e-3 ? 12 : 10));
  };
  const readLam = (text) => {
    const bar = /^\s*1\s*[-−]\s*(\S+)\s*$/.exec(text);
    const value = number(bar ? bar[1] : text, "λ");
    if (!(value >= 0 && value <= 1)) throw new RangeError("λ must lie between 0 and 1.");
    return bar ? -logit(value) : logit(value);
  };

  // In the address: ?explorer=2.2,0.9,0.7,0,3
  const write = (state) =>
    [state.a, state.b, lamText(state.t), state.first, state.second].join(",");
  const read = (text, images) => {
    const [a, b, lam, first, second] = text.split(",");
    const image = (value) => {
      const k = Number(value);
      if (!(Number.isInteger(k) && k >= 0 && k < images)) throw new RangeError("No such image.");
      return k;
    };
    return {
      ...policy(number(a, "α"), number(b || "", "β")),
      t: readLam(lam || ""), first: image(first), second: image(second),
    };
  };

  return { CHANGES, number, rounded, lamText, readLam, write, read };
})();
