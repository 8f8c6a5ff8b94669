// The data: columns as content.py made them, and the rows that the filters let through.

/** Read the embedded content. */
async function readContent() {
  const bytes = Uint8Array.from(atob(document.getElementById("content").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** One table of the page. A row is its number. */
class Table {
  constructor(content, choices) {
    this.rows = content.rows;
    this.columns = content.columns;
    this.choices = choices;
  }

  /** All rows that the filters let through. */
  where(filters) {
    const wanted = ["system", "account", "currency", "party"]
      .filter((name) => filters[name] !== null && this.columns[name])
      .map((name) => [this.columns[name].codes, filters[name]]);
    const from = filters.from === null ? -Infinity : filters.from;
    const to = filters.to === null ? Infinity : filters.to;
    const months = this.columns.month ? this.columns.month.values : null;
    const found = [];
    for (let row = 0; row < this.rows; row += 1) {
      if (months && (months[row] < from || months[row] > to)) continue;
      if (wanted.every(([codes, code]) => codes[row] === code)) found.push(row);
    }
    return found;
  }

  /** A number: days since 1970, seconds, a count. Null if there is none. */
  number(name, row) {
    return this.columns[name].values[row];
  }

  /** An amount in units of the common scale, as a BigInt; null if it is not known. */
  amount(name, row) {
    const value = this.columns[name].values[row];
    return value === null ? null : BigInt(value);
  }

  text(name, row) {
    const column = this.columns[name];
    const code = column.codes[row];
    if (code === null) return "";
    return column.texts ? column.texts[code] : this.choices[name][code];
  }

  code(name, row) {
    return this.columns[name].codes[row];
  }
}

/** Add up columns by a key that is made of each row: a Map in the order in which keys first come. */
function sums(table, rows, keyOf, amounts, counts = []) {
  const found = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    let sum = found.get(key);
    if (!sum) {
      sum = { rows: [] };
      for (const name of amounts) sum[name] = 0n;
      for (const name of counts) sum[name] = 0;
      found.set(key, sum);
    }
    sum.rows.push(row);
    for (const name of amounts) sum[name] += table.amount(name, row) ?? 0n;
    for (const name of counts) sum[name] += table.number(name, row) ?? 0;
  }
  return found;
}

/** Add up amounts over all rows. */
function total(table, rows, amounts, counts = []) {
  return sums(table, rows, () => "", amounts, counts).get("") ?? sums(table, [], () => "", [], [])
    .set("", Object.fromEntries([["rows", []], ...amounts.map((name) => [name, 0n]), ...counts.map((name) => [name, 0])]))
    .get("");
}

/** Compare two BigInts, the larger first. */
const largestFirst = (a, b) => (a < b ? 1 : a > b ? -1 : 0);
