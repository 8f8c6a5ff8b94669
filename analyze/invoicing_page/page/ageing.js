// Receivables and payables: by how long they are due, and by whom, with the invoices behind each.

const BUCKETS = ["not due", "1-30", "31-60", "61-90", "over 90"];
const BUCKET_NAMES = ["Not due yet", "1–30 days late", "31–60 days late", "61–90 days late", "Over 90 days late"];
const bucketPlace = (text) => BUCKETS.indexOf(text.replace("–", "-"));
const LARGEST = 20;

function showAgeing(page, name, direction) {
  const { filters } = page;
  const items = page.tables.open_items;
  const place = byId(name);
  const ofSide = (rows) => rows.filter((row) => items.text("direction", row) === direction);
  if (!ofSide([...Array(items.rows).keys()]).length) return fill(page, place, missingPart(name));
  const currency = filters.currencyCode;
  const matching = ofSide(items.where(filters));
  const unknown = unknownPayments(items, matching.filter((row) => !isPaymentKnown(items, row)), currency);
  const rows = matching.filter((row) => isPaymentKnown(items, row));
  if (!rows.length) return fill(page, place, unknown ?? noMatch());
  const byBucket = sums(items, rows, (row) => bucketPlace(items.text("bucket", row)), ["open"], ["invoices"]);
  const buckets = BUCKETS.map((_, each) => byBucket.get(each) ?? { open: 0n, invoices: 0 });
  const all = total(items, rows, ["open"], ["invoices"]);
  const chart = element("div", { class: "chart" });
  const byParty = [...sums(items, rows, (row) => items.code("party", row), ["open"], ["invoices"])].sort((a, b) => largestFirst(a[1].open, b[1].open));
  const [shown, rest] = [byParty.slice(0, LARGEST), byParty.slice(LARGEST)];
  const who = direction === "sale" ? ["Customer", "customers"] : ["Supplier", "suppliers"];
  fill(page, place,
    element("div", { class: "columns" },
      element("div", {}, chart),
      table(`${name === "receivables" ? "Receivables" : "Payables"} by age in ${currency}`, [["Due", "day"], ["Invoices", "number"], ["Open", "number"], ["Share", "number"]],
        buckets.map((each, index) => [BUCKET_NAMES[index], countData(each.invoices), amountData(each.open, currency), percent(each.open, all.open)]),
        { footer: ["Total", countData(all.invoices), amountData(all.open, currency), ""] })),
    unknown,
    element("h3", {}, byParty.length > LARGEST ? `The ${LARGEST} largest ${who[1]}` : `By ${who[0].toLowerCase()}`),
    legend(BUCKET_NAMES.map((each, index) => [each, colors().buckets[index]])),
    partyTable(page, items, shown, who, currency, direction),
    rest.length ? element("p", { class: "note" }, `${count(rest.length)} more ${who[1]} with `, amountData(rest.reduce((sum, [, each]) => sum + each.open, 0n), currency), ` ${currency}.`) : null);
  return drawChart(chart, "ageing", buckets.map((each, index) => ({
    name: BUCKET_NAMES[index], group: count(each.invoices), amount: drawn(each.open), text: moneyWithCurrency(each.open, currency), color: colors().buckets[index],
  })), `${name === "receivables" ? "Receivables" : "Payables"} by age: ${buckets.map((each, index) => `${BUCKET_NAMES[index]} ${moneyWithCurrency(each.open, currency)}`).join(", ")}. The table beside it has the numbers.`);
}

const isPaymentKnown = (items, row) => items.number("payments_known", row) === 1;

/** What may be open, but whose system does not tell whether it was paid: it is in no sum. */
function unknownPayments(items, rows, currency) {
  if (!rows.length) return null;
  const sum = total(items, rows, ["open"], ["invoices"]);
  const systems = [...new Set(rows.map((row) => systemName(items.text("system", row))))].sort().join(", ");
  return element("p", { class: "note unknown-payments" }, "Not in these numbers: ", countData(sum.invoices), sum.invoices === 1 ? " invoice of " : " invoices of ",
    amountData(sum.open, currency), ` ${currency}, of which ${systems} does not tell whether they were paid.`);
}

/** A line for each party, which unfolds its invoices. */
function partyTable(page, items, parties, who, currency, direction) {
  const largest = parties.reduce((most, [, each]) => (each.open > most ? each.open : most), 1n);
  const columns = [[who[0], "name"], ["Invoices", "number"], ["Open", "number"], ["Overdue", "number"], ["Oldest", "number"]];
  const role = (name) => name;
  const lines = parties.flatMap(([code, sum], index) => {
    const id = `${direction}-party-${index}`;
    const behind = element("tr", { id, role: "row", class: "behind", hidden: true });
    const button = element("button", { type: "button", class: "unfold", "aria-expanded": "false", "aria-controls": id, onclick: () => {
      behind.hidden = !behind.hidden;
      button.setAttribute("aria-expanded", String(!behind.hidden));
      if (!behind.firstChild) behind.append(element("td", { role: "cell", colspan: "5" }, openInvoices(page, items, sum.rows, currency, partyName(page, code))));
    } }, partyName(page, code));
    const overdue = total(items, sum.rows.filter((row) => items.number("is_overdue", row)), ["open"]).open;
    const oldest = sum.rows.reduce((most, row) => Math.max(most, items.number("days_overdue", row) ?? 0), 0);
    const cells = [button, countData(sum.invoices), element("span", {}, amountData(sum.open, currency), bar(items, sum.rows, largest)), amountData(overdue, currency), oldest > 0 ? `${count(oldest)} days` : ""];
    return [element("tr", { role: "row" }, cells.map((content, place) => cell(columns[place], content, place === 0, role))), behind];
  });
  return table(`Open by ${who[0].toLowerCase()}`, columns, lines, { stacks: true });
}

/** How an amount is made up of buckets, as a bar within a cell; the table has the numbers. */
function bar(items, rows, largest) {
  const byBucket = sums(items, rows, (row) => bucketPlace(items.text("bucket", row)), ["open"]);
  const made = element("span", { class: "bar", "aria-hidden": "true" });
  BUCKETS.forEach((_, index) => {
    const open = byBucket.get(index)?.open ?? 0n;
    if (open <= 0n) return;
    const part = element("span", {});
    part.style.width = `${(drawn(open) / drawn(largest)) * 100}%`;
    part.style.backgroundColor = colors().buckets[index];
    made.append(part);
  });
  return made;
}

function openInvoices(page, items, rows, currency, name) {
  const inOrder = [...rows].sort((a, b) => (items.number("days_overdue", b) ?? 0) - (items.number("days_overdue", a) ?? 0));
  return table(`Open invoices of ${name}`, [["Number", "code"], ["System", "text"], ["Issued", "day"], ["Due", "day"], ["Late", "number"], ["Open", "number"]], inOrder.map((row) => {
    const late = items.number("days_overdue", row) ?? 0;
    const single = items.number("issued_on", row) !== null || items.text("number", row);
    return [single ? link(items.text("number", row), items.text("url", row)) : `${count(items.number("invoices", row))} older invoices`, systemName(items.text("system", row)),
      date(items.number("issued_on", row)), date(items.number("due_on", row)), late > 0 ? `${count(late)} days` : "", amountData(items.amount("open", row), currency)];
  }), { stacks: true });
}

const partyName = (page, code) => (code === null ? "(not known)" : page.filters.parties.labels[code]);
