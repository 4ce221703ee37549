/* The mathematics of the explorer: Beta policies, and the label's weight.

   A DAT policy is q = {a, b}, the Beta B(a, b). U(q) is the UMixUp scheme with the symmetrised
   policy p = (q + mirror of q)/2 and the weight γ(λ) = σ(s·logit λ), s = a − b.

   A place on the segment is given by t = logit λ, as in the library: λ and 1 − λ then both keep all
   their digits, however near the end. Densities are logarithms, of the density of λ. */
"use strict";

umixup.math = (() => {
  // log(1 + e^t)
  const softplus = (t) => (t > 0 ? t + Math.log1p(Math.exp(-t)) : Math.log1p(Math.exp(t)));
  const sigmoid = (t) => (t >= 0 ? 1 / (1 + Math.exp(-t)) : Math.exp(t) / (1 + Math.exp(t)));
  const logit = (lam) => Math.log(lam) - Math.log1p(-lam);
  const logLam = (t) => -softplus(-t);
  const logBar = (t) => -softplus(t); // of 1 − λ
  const times = (k, x) => (k === 0 ? 0 : k * x); // 0·∞ is 0
  const logAddExp = (x, y) => (x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y))));

  // Stirling's series, beyond 10; below, by Γ(x + 1) = x Γ(x).
  const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
  const logGamma = (x) => {
    let product = 1;
    let y = x;
    for (; y < 10; y += 1) product *= y;
    const series = STIRLING.reduceRight((sum, term) => sum / (y * y) + term, 0) / y;
    return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
  };
  const logBeta = (a, b) => logGamma(a) + logGamma(b) - logGamma(a + b);

  const mirror = ({ a, b }) => ({ a: b, b: a });
  const slope = ({ a, b }) => a - b;
  const strength = ({ a, b }) => b / (a + b); // the mean share of the partner
  const logDensity = ({ a, b }, t) =>
    times(a - 1, logLam(t)) + times(b - 1, logBar(t)) - logBeta(a, b);
  const logSymmetrised = (q, t) =>
    logAddExp(logDensity(q, t), logDensity(mirror(q), t)) - Math.LN2;
  const weight = (q, t) => sigmoid(times(slope(q), t)); // γ

  // Distribution function of B(a, b): Lentz's continued fraction of the incomplete Beta function.
  const fraction = (a, b, x) => {
    const tiny = 1e-300;
    let c = 1;
    let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
    let value = d;
    for (let k = 1; k < 5000; k += 1) {
      let change = 1;
      for (const term of [
        (k * (b - k) * x) / ((a + 2 * k - 1) * (a + 2 * k)),
        (-(a + k) * (a + b + k) * x) / ((a + 2 * k) * (a + 2 * k + 1)),
      ]) {
        d = 1 / (1 + term * d || tiny);
        c = 1 + term / c || tiny;
        change = c * d;
        value *= change;
      }
      if (Math.abs(change - 1) < 1e-15) break;
    }
    return value;
  };
  const below = ({ a, b }, t) =>
    (Math.exp(a * logLam(t) + b * logBar(t) - logBeta(a, b)) / a) * fraction(a, b, sigmoid(t));
  const cdf = (q, t) => {
    const nearer = sigmoid(t) < (q.a + 1) / (q.a + q.b + 2);
    return nearer ? below(q, t) : 1 - below(mirror(q), -t);
  };
  const cdfSymmetrised = (q, t) => (cdf(q, t) + cdf(mirror(q), t)) / 2;

  // logit λ with the share u of p below it, for u ≤ ½; p is symmetric, so the rest follows.
  const quantile = (q, u) => {
    if (u > 0.5) return -quantile(q, 1 - u);
    let [low, high] = [-700 / Math.min(1, q.a, q.b), 0];
    for (let k = 0; k < 70; k += 1) {
      const middle = (low + high) / 2;
      if (cdfSymmetrised(q, middle) < u) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  };

  // um.parse reads these; MixUp is among them where it can be: on the line s = 1.
  const isMixUp = (q) => Math.abs(slope(q) - 1) < 1e-12;
  const notation = (q) => {
    const policy = `B(${q.a},${q.b})`;
    const mixup = isMixUp(q) ? `B(${q.b},${q.b})` : null;
    return { mixup, dat: `DAT(${policy})`, umixup: `U(${policy})` };
  };

  return {
    sigmoid, logit, logLam, logBar, logGamma, logBeta, mirror, slope, strength, logDensity,
    logSymmetrised, weight, cdf, cdfSymmetrised, quantile, isMixUp, notation,
  };
})();
