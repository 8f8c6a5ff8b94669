// The top: how fresh the data is, and the numbers that people ask for first.

/** How each account of a system was last loaded. */
function loads(freshness, lateAfter) {
  const byAccount = new Map();
  for (let row = 0; row < freshness.rows; row += 1) {
    const key = `${freshness.code("system", row)} ${freshness.code("account", row)}`;
    const of = byAccount.get(key) ?? { system: freshness.text("system", row), account: freshness.text("account", row), loaded: null, failed: null, error: "", rows: [] };
    byAccount.set(key, of);
    of.rows.push(row);
    const [loaded, failed] = [freshness.number("loaded", row), freshness.number("failed", row)];
    // The row of the run comes first, and knows more than a table: one that did not change was not written.
    if (loaded !== null && !of.told) of.loaded = Math.max(of.loaded ?? loaded, loaded);
    if (loaded !== null && !freshness.text("stream", row)) of.told = true;
    if (failed !== null && (of.failed === null || failed > of.failed)) [of.failed, of.error] = [failed, freshness.text("error", row)];
  }
  return [...byAccount.values()].map((of) => ({ ...of, state: loadState(of, lateAfter) }));
}

function loadState({ loaded, failed }, lateAfter) {
  if (failed !== null && (loaded === null || failed >= loaded)) return "failed";
  return loaded === null || Date.now() / 1000 - loaded > lateAfter ? "late" : "good";
}

function showFreshness(page) {
  const place = byId("freshness");
  const { freshness } = page.tables;
  if (!freshness.rows) return place.replaceChildren(missingPart("freshness"));
  const all = loads(freshness, page.content.late_after);
  const name = (of) => systemName(of.system) + (of.account === "default" ? "" : ` · ${of.account}`);
  const words = (of) => ({
    good: () => `loaded ${ago(of.loaded)}`,
    late: () => (of.loaded === null ? "late: never loaded" : `late: last loaded ${ago(of.loaded)}`),
    failed: () => `failed ${ago(of.failed)}${of.loaded === null ? "" : `, last loaded ${ago(of.loaded)}`}`,
  })[of.state]();
  place.replaceChildren(
    element("ul", { class: "loads" }, all.map((of) => element("li", { class: of.state },
      element("strong", {}, name(of)), " ", element("span", {}, words(of)), of.state === "failed" && of.error ? element("em", {}, of.error) : null))),
    foldedTable("Loads by stream", table("Loads by stream",
      [["System", "text"], ["Account", "text"], ["Stream", "text"], ["Last loaded", "text"], ["Rows", "number"], ["Last failure", "text"]],
      all.flatMap((of) => of.rows.map((row) => [
        systemName(of.system), of.account, freshness.text("stream", row) || "all", freshness.number("loaded", row) === null ? "never" : instant(freshness.number("loaded", row)),
        freshness.number("rows", row) === null ? "" : countData(freshness.number("rows", row)),
        freshness.number("failed", row) === null ? "" : `${instant(freshness.number("failed", row))}: ${freshness.text("error", row)}`,
      ])))));
}

const SALES = ["this_month", "last_month", "this_year", "last_year", "recent_gross"];

/** The numbers of the top for some filters. */
function keyNumbers(page, filters) {
  const { open_items: items, sales_to_date: sales } = page.tables;
  const open = sums(items, items.where(filters).filter((row) => isPaymentKnown(items, row)), (row) => `${items.text("direction", row)} ${items.number("is_overdue", row)}`, ["open"], ["invoices"]);
  const of = (direction, overdue) => open.get(`${direction} ${overdue}`) ?? { open: 0n, invoices: 0 };
  const side = (direction) => ({
    open: of(direction, 0).open + of(direction, 1).open, overdue: of(direction, 1).open, invoices: of(direction, 0).invoices + of(direction, 1).invoices,
  });
  const sold = total(sales, sales.where(filters), SALES);
  const receivables = side("sale");
  return {
    receivables, payables: side("purchase"), ...sold,
    // What is owed, in days of what was invoiced of late.
    dso: sold.recent_gross > 0n ? quotient(receivables.open * BigInt(page.content.days_of_sales), sold.recent_gross) : null,
  };
}

/** In words: how an amount compares with an earlier one. */
function compared(now, before, what) {
  if (before === 0n) return now === 0n ? `none, nor in ${what}` : `nothing in ${what}`;
  const change = now - before;
  if (change === 0n) return `as much as in ${what}`;
  return `${change > 0n ? "▲" : "▼"} ${percent(change < 0n ? -change : change, before < 0n ? -before : before)} ${change > 0n ? "more" : "less"} than ${what}`;
}

function showOverview(page) {
  const { filters } = page;
  const currency = filters.currencyCode;
  const numbers = keyNumbers(page, filters);
  const card = (id, heading, value, ...notes) => element("div", { class: "card", id },
    element("h3", {}, heading), element("p", { class: "value" }, value), notes.filter(Boolean).map((note) => element("p", { class: "note" }, note)));
  const open = (id, heading, side) => card(id, heading, amountData(side.open, currency),
    element("span", { class: side.overdue > 0n ? "overdue" : null }, amountData(side.overdue, currency), ` overdue${side.open ? ` (${percent(side.overdue, side.open)})` : ""}`),
    element("span", {}, countData(side.invoices), side.invoices === 1 ? " invoice" : " invoices"));
  byId("cards").replaceChildren(
    open("card-receivables", "Owed to us", numbers.receivables),
    open("card-payables", "We owe", numbers.payables),
    card("card-month", "Invoiced this month", amountData(numbers.this_month, currency), compared(numbers.this_month, numbers.last_month, "last month to this day"), "net, credit notes deducted"),
    card("card-year", "Invoiced this year", amountData(numbers.this_year, currency), compared(numbers.this_year, numbers.last_year, "last year to this day"), "net, credit notes deducted"),
    card("card-dso", "Days sales outstanding", numbers.dso === null ? "–" : element("data", { value: String(numbers.dso) }, oneDecimal(numbers.dso)),
      numbers.dso === null ? `nothing was invoiced in ${page.content.days_of_sales} days` : `what is owed, in days of the sales of the last ${page.content.days_of_sales} days`));
  byId("currency-of-cards").textContent = currency ? `All amounts in ${currency}.` : "";
  showCurrencies(page);
}

/** One line for each currency, as nothing is added up over currencies. */
function showCurrencies(page) {
  const { filters, content } = page;
  const rows = filters.currencies.map((code) => [content.choices.currency[code] || "(none)", keyNumbers(page, filters.with({ currency: code }))]);
  const place = byId("currencies");
  place.hidden = rows.length < 2;
  place.replaceChildren(table("All currencies",
    [["Currency", "name"], ["Owed to us", "number"], ["of it overdue", "number"], ["We owe", "number"], ["of it overdue", "number"], ["Invoiced this month", "number"], ["Invoiced this year", "number"], ["DSO", "number"]],
    rows.map(([currency, each]) => [currency, ...[each.receivables.open, each.receivables.overdue, each.payables.open, each.payables.overdue, each.this_month, each.this_year].map((units) => amountData(units, currency)),
      each.dso === null ? "–" : element("data", { value: String(each.dso) }, oneDecimal(each.dso))]), { stacks: true }));
}
