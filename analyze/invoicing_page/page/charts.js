// Charts: Vega-Lite, drawn as SVG, in the colours of the reader's screen. Expressions are interpreted, as the page allows no eval.

const PALETTES = {
  light: {
    ink: "#1c2430", faint: "#5b6675", line: "#e3e7ec",
    systems: { productive: "#2f6db3", invoicetronic: "#c2571a", invobi: "#12806a", "2invoice": "#8a4fa3", covage: "#a67c00" },
    other: "#6b7684",
    buckets: ["#8fb3d4", "#f0c36a", "#e0904a", "#c25a35", "#8c2222"],
    sales: "#2f6db3", purchases: "#c2571a", invoiced: "#2f6db3", worked: "#1c2430", lost: "#6b7684", none: "#b9c1cb",
  },
  dark: {
    ink: "#e8ecf1", faint: "#a3afbd", line: "#2c3541",
    systems: { productive: "#6ea8e5", invoicetronic: "#f0975c", invobi: "#4fc0a5", "2invoice": "#c495dc", covage: "#dbb64a" },
    other: "#98a4b2",
    buckets: ["#5f86ab", "#f4d28b", "#eda768", "#e07a54", "#d9534f"],
    sales: "#6ea8e5", purchases: "#f0975c", invoiced: "#6ea8e5", worked: "#e8ecf1", lost: "#98a4b2", none: "#56616e",
  },
};
const darkScreen = matchMedia("(prefers-color-scheme: dark)");
const colors = () => PALETTES[darkScreen.matches ? "dark" : "light"];

function chartConfig() {
  const { ink, faint, line } = colors();
  return {
    background: null, view: { stroke: null }, customFormatTypes: true,
    font: getComputedStyle(document.body).fontFamily,
    axis: { labelColor: faint, labelFontSize: 12, gridColor: line, domainColor: line, tickColor: line, labelPadding: 6 },
    text: { color: ink, fontSize: 12 }, rule: { color: faint }, bar: { cornerRadiusEnd: 1 },
  };
}

const drawnCharts = new Map();

/** Draw a chart. `description` is what a screen reader says of it; `lines` is how many times as high it is as it says. */
async function drawChart(place, name, rows, description, lines = 1) {
  const specification = { ...CHARTS[name], height: CHARTS[name].height * lines, datasets: { rows } };
  const result = await vegaEmbed(place, specification, {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false,
    tooltip: { disableDefaultStyle: true }, expressionFunctions: { compactAmount: (value) => compactAmount(value) }, config: chartConfig(),
  });
  drawnCharts.set(place, result);
  // Instead of what Vega says of every chart.
  for (const [name, value] of [["role", "img"], ["aria-label", description]]) place.setAttribute(name, value);
  place.removeAttribute("aria-roledescription");
}

/** Stop the charts within an element that goes. */
function dropCharts(within) {
  for (const [place, result] of drawnCharts) {
    if (within.contains(place)) {
      result.finalize();
      drawnCharts.delete(place);
    }
  }
}
