// Budgets: how far each is invoiced and worked.

const SHOWN_BUDGETS = 15;

function showBudgets(page) {
  const { filters } = page;
  const { budgets } = page.tables;
  const place = byId("budgets");
  if (!budgets.rows) return fill(page, place, missingPart("budgets"));
  const rows = budgets.where(filters);
  const open = rows.filter((row) => !budgets.number("is_closed", row));
  if (!open.length) return fill(page, place, rows.length ? element("p", { class: "empty" }, `All ${count(rows.length)} budgets are closed.`) : noMatch());
  const currency = filters.currencyCode;
  const [used, whole] = [(row) => mostUsed(budgets, row), (row) => budgets.amount("budget", row) ?? 0n];
  const [limited, unlimited] = [open.filter((row) => whole(row) > 0n), open.filter((row) => whole(row) <= 0n)];
  limited.sort((a, b) => largestFirst(used(a) * whole(b), used(b) * whole(a)));
  const inOrder = [...limited, ...unlimited];
  const drawnRows = limited.slice(0, SHOWN_BUDGETS);
  const columns = ["budget", "worked", "invoiced", "paid", "remaining", "unbilled", "margin"].filter((name) => open.some((row) => budgets.amount(name, row) !== null));
  const headings = { budget: "Budget", worked: "Worked", invoiced: "Invoiced", paid: "Paid", remaining: "Left", unbilled: "Not yet invoiced", margin: "Margin" };
  const chart = element("div", { class: "chart" });
  const closed = rows.length - open.length;
  fill(page, place,
    drawnRows.length ? legend([["Invoiced", colors().invoiced], ["Worked", colors().worked]]) : null,
    drawnRows.length ? chart : null,
    foldedTable(`${count(open.length)} open ${open.length === 1 ? "budget" : "budgets"} in numbers`, table(`Open budgets in ${currency}`,
      [["Budget", "text"], ["Customer", "text"], ...columns.map((name) => [headings[name], "number"]), ["Used", "number"]],
      inOrder.map((row) => [link(budgets.text("name", row) || "(no name)", budgets.text("url", row)), budgets.code("party", row) === null ? "" : partyName(page, budgets.code("party", row)),
        ...columns.map((name) => amountData(budgets.amount(name, row), currency)), whole(row) > 0n ? percent(used(row), whole(row)) : ""]))),
    open.length > SHOWN_BUDGETS ? element("p", { class: "note" }, `The chart shows the ${SHOWN_BUDGETS} that are used most.`) : null,
    closed ? element("p", { class: "note" }, `${count(closed)} closed ${closed === 1 ? "budget is" : "budgets are"} left out.`) : null);
  if (!drawnRows.length) return null;
  const names = new Map();
  const unique = (text) => { const times = (names.get(text) ?? 0) + 1; names.set(text, times); return times > 1 ? `${text} (${times})` : text; };
  return drawChart(chart, "budgets", drawnRows.flatMap((row) => {
    const name = unique(budgets.text("name", row) || "(no name)");
    return [["invoiced", "Invoiced"], ["worked", "Worked"]].map(([kind, group]) => {
      const units = budgets.amount(kind, row) ?? 0n;
      return { name, kind, group, share: drawn(units) / drawn(whole(row)), color: colors()[kind], text: `${moneyWithCurrency(units, currency)} of ${moneyWithCurrency(whole(row), currency)}` };
    });
  }), `Share of each budget that is invoiced and worked, the ${drawnRows.length} that are used most. The table below has the numbers.`, drawnRows.length);
}

/** What is invoiced or worked of a budget, whichever is more. */
function mostUsed(budgets, row) {
  const [invoiced, worked] = ["invoiced", "worked"].map((name) => budgets.amount(name, row) ?? 0n);
  return invoiced > worked ? invoiced : worked;
}
