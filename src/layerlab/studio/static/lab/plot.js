/** Plotly's charts under the page's own rules: its script is the studio's, no style stands in the markup. */

/** @typedef {import("./api.js").Figure} Figure */

/** Pixels that several panels side by side need; where there are fewer, they are scrolled. */
const LEAST_PANELS = 620;

/** @type {Promise<any> | null} */
let loading = null;

/**
 * Load plotly.js, once.
 * @param {string} address
 * @returns {Promise<any>}
 */
export function plotly(address) {
  loading ??= new Promise((resolve, reject) => {
    allowStyles();
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(/** @type {any} */ (window).Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("plotly.js did not come"));
    };
    document.head.append(script);
  });
  return loading;
}

/**
 * The page's policy refuses `style` in markup, which is how Plotly paints some of its texts; the same through the
 * object model is allowed. Its own style sheet stands in lab.css: an element of that name tells it so.
 */
function allowStyles() {
  const plain = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && (this instanceof HTMLElement || this instanceof SVGElement)) this.style.cssText = value;
    else plain.call(this, name, value);
  };
  const sheet = document.createElement("template");
  sheet.id = "plotly.js-style-global";
  sheet.className = "no-inline-styles";
  document.head.append(sheet);
}

/**
 * Draw a figure with the page's colours.
 * @param {any} library
 * @param {HTMLElement} place
 * @param {Figure} figure
 * @param {(key: string) => void} onopen told the key of the run whose point was clicked
 */
export async function draw(library, place, figure, onopen) {
  const style = getComputedStyle(place);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const axis = (/** @type {any} */ given) => ({ ...given, gridcolor: read("--line"), linecolor: read("--line-strong"), zerolinecolor: read("--line"), color: read("--ink") });
  const axes = Object.fromEntries(Object.entries(figure.layout).filter(([name]) => /^[xy]axis\d*$/.test(name)).map(([name, given]) => [name, axis(given)]));
  const layout = {
    ...figure.layout,
    ...axes,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { ...figure.layout.font, family: style.fontFamily, color: read("--ink"), size: 0.85 * parseFloat(style.fontSize) },
    hoverlabel: { bgcolor: read("--surface"), bordercolor: read("--line-strong"), font: { color: read("--ink") } },
    width: Math.max(place.clientWidth, Object.keys(axes).length > 2 ? LEAST_PANELS : 0),
    autosize: false,
  };
  await library.react(place, figure.data, layout, { displayModeBar: false, responsive: false });
  const plot = /** @type {any} */ (place);
  plot.removeAllListeners?.("plotly_click");
  plot.on("plotly_click", (/** @type {{ points: { customdata?: unknown }[] }} */ { points: [point] }) => {
    if (typeof point?.customdata === "string" && point.customdata !== "") onopen(point.customdata);
  });
}
