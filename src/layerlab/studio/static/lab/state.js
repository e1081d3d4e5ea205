/** What is asked, and the address that says the same. No DOM here. */

/** @typedef {import("./api.js").Asked} Asked */
/** @typedef {import("./api.js").Level} Level */
/** @typedef {import("./api.js").Own} Own */

/** @returns {Own} a question of one's own to begin with */
export function firstOwn() {
  return { vary: { depth: [1, 2, 4] }, hold: {}, tune: { learning_rate: [0.01, 0.03, 0.1, 0.3] }, metric: null, equal: null };
}

/**
 * @param {string} search
 * @returns {Asked | null} null: nothing is asked yet
 */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  const on = (query.get("on") ?? "").split(",").filter(Boolean);
  const seeds = /^\d{1,5}$/.test(query.get("seeds") ?? "") ? Number(query.get("seeds")) : null;
  const question = query.get("question");
  if (question !== null) return { question, own: null, on, seeds };
  if (!query.has("vary")) return null;
  const tune = Object.entries(factors(query.getAll("tune"))).map(([name, values]) => [name, values.map(Number)]);
  const hold = Object.entries(factors(query.getAll("hold"))).map(([name, values]) => [name, values[0]]);
  return {
    question: null,
    own: {
      vary: factors(query.getAll("vary")),
      hold: Object.fromEntries(hold),
      tune: Object.fromEntries(tune),
      metric: query.get("metric"),
      equal: query.get("equal"),
    },
    on,
    seeds,
  };
}

/**
 * @param {Asked | null} asked
 * @returns {string} the search
 */
export function writeAddress(asked) {
  const query = new URLSearchParams({ tab: "lab" });
  if (asked?.question) query.set("question", asked.question);
  if (asked?.own) {
    const { vary, hold, tune, metric, equal } = asked.own;
    for (const [name, levels] of Object.entries(vary)) query.append("vary", `${name}:${writeLevels(levels)}`);
    for (const [name, level] of Object.entries(hold)) query.append("hold", `${name}:${writeLevels([level])}`);
    for (const [name, grid] of Object.entries(tune)) query.append("tune", `${name}:${writeLevels(grid)}`);
    if (metric) query.set("metric", metric);
    if (equal) query.set("equal", equal);
  }
  if (asked?.on.length) query.set("on", asked.on.join(","));
  if (asked && asked.seeds !== null) query.set("seeds", String(asked.seeds));
  return `?${query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}

/** @param {string[]} written `depth:1,2,4` @returns {Record<string, Level[]>} */
function factors(written) {
  return Object.fromEntries(
    written.map((one) => {
      const at = one.indexOf(":");
      return at < 0 ? [one, []] : [one.slice(0, at), readLevels(one.slice(at + 1))];
    }),
  );
}

/**
 * Levels as a person writes them: `1, 2, 4`, `relu, tanh`, `yes, no`, `x+y, x+y+xSquared`.
 * @param {string} written
 * @returns {Level[]}
 */
export function readLevels(written) {
  return written.split(/[,;]/).map((part) => part.trim()).filter((part) => part !== "").map(readLevel);
}

/** @param {string} written @returns {Level} */
function readLevel(written) {
  if (written.includes("+")) return written.split("+").map((part) => /** @type {string | number} */ (readScalar(part.trim())));
  return readScalar(written);
}

/** @param {string} written @returns {boolean | number | string} */
function readScalar(written) {
  if (["yes", "true", "tak"].includes(written)) return true;
  if (["no", "false", "nie"].includes(written)) return false;
  const number = Number(written);
  return Number.isFinite(number) && written !== "" ? number : written;
}

/** @param {Level[]} levels @returns {string} */
export function writeLevels(levels) {
  const scalar = (/** @type {boolean | number | string} */ value) => (value === true ? "yes" : value === false ? "no" : String(value));
  return levels.map((level) => (Array.isArray(level) ? level.map(scalar).join("+") : scalar(level))).join(",");
}
