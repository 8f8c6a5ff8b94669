// Elements. Texts of the data become text nodes, never HTML.

/** Make an element; attributes with a value of false or null are left out. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** A phone: the same width as in page.css. */
const smallScreen = matchMedia("(max-width: 46rem)");

const byId = (id) => document.getElementById(id);

/** A number that a program can read too: the element <data>. */
const amountData = (units, currency, shown) =>
  units === null ? element("span", { class: "faint" }, "unknown") : element("data", { value: decimal(units), class: units === 0n ? "faint" : null }, shown ?? money(units, currency));
const countData = (value) => element("data", { value: String(value) }, count(value));

/** A link into a system, only where the address is one of the web; else the text. */
function link(text, url) {
  const shown = text || "(no number)";
  return /^https?:\/\//i.test(url) ? element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown) : shown;
}

/**
 * A table. A column is [heading, kind]; the kind is "text", "number", "day" or "code" for what is not broken into lines, or "name".
 * A row is a list of cells, or an element. What stacks becomes a block for each row on a small screen; the roles keep it a table.
 */
function table(caption, columns, rows, { footer = null, stacks = false } = {}) {
  const role = (name) => (stacks ? name : null);
  const line = (row) => element("tr", { role: role("row") }, row.map((content, place) => cell(columns[place], content, place === 0, role)));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", { class: stacks ? "stacks" : null, role: role("table") },
      element("caption", { class: "hidden" }, caption),
      element("thead", { role: role("rowgroup") }, element("tr", { role: role("row") },
        columns.map(([heading, kind]) => element("th", { scope: "col", role: role("columnheader"), class: kind === "text" ? null : kind }, heading)))),
      element("tbody", { role: role("rowgroup") }, rows.map((row) => (row instanceof Node ? row : line(row)))),
      footer ? element("tfoot", { role: role("rowgroup") }, line(footer)) : null));
}

/** A cell; the first of a row is its heading. */
const cell = ([heading, kind], content, isFirst, role) =>
  element(isFirst ? "th" : "td", { class: kind === "text" ? null : kind, scope: isFirst ? "row" : null, role: role(isFirst ? "rowheader" : "cell"), "data-label": role(heading) }, content);

/** A table that is folded until it is wanted: the numbers of the chart above it. */
const foldedTable = (summary, ...parts) => element("details", { class: "numbers" }, element("summary", {}, summary), ...parts);

/** What is shown of a part that has no rows at all: what would fill it. */
function missingPart(name) {
  return element("div", { class: "empty" },
    element("p", {}, "No data for this part yet. It is filled by:"),
    element("ul", {}, MISSING_PARTS[name].map((line) => element("li", {}, line))));
}

const noMatch = () => element("p", { class: "empty" }, "Nothing matches the filters.");

/** Coloured squares with their names. */
const legend = (entries) =>
  element("ul", { class: "legend" }, entries.map(([name, color]) => {
    const square = element("span", { class: "square", "aria-hidden": "true" });
    square.style.backgroundColor = color;
    return element("li", {}, square, name);
  }));

const systemName = (code) => SYSTEMS[code] ?? code;
