"use strict";
// Draws the figures and paints them with the page's own colours, again whenever the scheme or the medium changes.
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const charts = [...document.querySelectorAll("[data-figure]")];
  const config = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const print = matchMedia("print");

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      page: read("--page"), panel: read("--panel"), ink: read("--ink"), muted: read("--muted"), rule: read("--rule"),
      training: read("--orange"), validation: read("--blue"), neutral: read("--muted"),
      right: [[0, read("--empty")], [1, read("--heat-right")]],
      wrong: [[0, read("--empty")], [1, read("--heat-wrong")]],
      sequential: [[0, read("--scale-low")], [0.5, read("--scale-middle")], [1, read("--scale-high")]],
      ...Object.fromEntries([...Array(8).keys()].map((number) => [`series-${number}`, read(`--series-${number}`)])),
      size: parseFloat(style.fontSize),
    };
  }

  function faint(colour) {
    const part = (from) => parseInt(colour.slice(from, from + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},0.18)`;
  }

  function painted(trace, colour) {
    const role = trace.meta.role;
    if (trace.type === "heatmap") return { ...trace, colorscale: colour[role] };
    if (role === "sequential-marker") return { ...trace, marker: { ...trace.marker, colorscale: colour.sequential } };
    const edge = trace.meta.outlined ? { line: { ...trace.marker.line, color: colour.page } } : {};
    return {
      ...trace,
      line: { ...trace.line, color: colour[role] },
      marker: { ...trace.marker, color: colour[role], ...edge },
      ...(trace.fill ? { fillcolor: faint(colour[role]) } : {}),
    };
  }

  function axis(given, colour) {
    return {
      ...given, gridcolor: colour.rule, linecolor: colour.rule, zerolinecolor: colour.rule, tickcolor: colour.rule,
      color: colour.ink,
    };
  }

  function laid(layout, colour) {
    const scale = colour.size / 16;
    return {
      ...layout,
      margin: Object.fromEntries(Object.entries(layout.margin).map(([side, width]) => [side, width * scale])),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 0.78 * colour.size, color: colour.ink },
      hoverlabel: { bgcolor: colour.panel, bordercolor: colour.rule, font: { color: colour.ink } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour.muted, activecolor: colour.ink },
      shapes: (layout.shapes ?? []).map((shape) => ({ ...shape, line: { ...shape.line, color: colour.muted } })),
      ...Object.fromEntries(
        Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/.test(name)).map(([name, one]) => [name, axis(one, colour)]),
      ),
    };
  }

  function draw() {
    const colour = colours();
    for (const chart of charts) {
      const { data, layout } = figures[chart.dataset.figure];
      const size = { width: chart.clientWidth, height: chart.clientHeight };
      // On paper the size is fixed, for nothing is resized while a page is printed.
      const whole = { ...laid(layout, colour), ...(print.matches ? size : { autosize: true }) };
      Plotly.react(chart, data.map((trace) => painted(trace, colour)), whole, config);
    }
  }

  // Paper has no folds. This comes before the pages are counted, and so before the medium changes.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of folded) details.open = false; });

  for (const query of [dark, print]) query.addEventListener("change", draw);
  draw();
})();
