// Turnover by month and system.

function showTurnover(page) {
  const { filters } = page;
  const { turnover, unknown_amounts: unknown } = page.tables;
  const place = byId("turnover");
  if (!turnover.rows) return fill(page, place, missingPart("turnover"), unknownAmounts(page, unknown));
  const rows = turnover.where(filters);
  if (!rows.length) return fill(page, place, noMatch(), unknownAmounts(page, unknown));
  const currency = filters.currencyCode;
  const amounts = ["net", "tax", "gross", "credit_net", "credit_tax", "credit_gross"];
  const counts = ["invoices", "credit_notes"];
  const byMonth = sums(turnover, rows, (row) => turnover.number("month", row), amounts, counts);
  const present = [...new Set(rows.map((row) => turnover.text("system", row)))].sort();
  const bySystem = sums(turnover, rows, (row) => `${turnover.number("month", row)} ${turnover.text("system", row)}`, amounts, counts);
  const months = monthsBetween(Math.min(...byMonth.keys()), Math.max(...byMonth.keys()));
  const net = (sum) => (sum ? sum.net + sum.credit_net : 0n);
  const color = (system) => colors().systems[system] ?? colors().other;
  const line = (sum, systems) => [
    countData(sum ? sum.invoices : 0), ...(present.length > 1 ? systems.map((units) => amountData(units, currency)) : []),
    amountData(net(sum), currency), amountData(sum ? sum.credit_net : 0n, currency),
    amountData(sum ? sum.tax + sum.credit_tax : 0n, currency), amountData(sum ? sum.gross + sum.credit_gross : 0n, currency),
  ];
  const ofSystem = (each) => present.map((system) => net(bySystem.get(`${each} ${system}`)));
  const all = total(turnover, rows, amounts, counts);
  const chart = element("div", { class: "chart" });
  fill(page, place,
    present.length > 1 ? legend(present.map((system) => [systemName(system), color(system)])) : null,
    chart,
    foldedTable("Turnover in numbers", table(`Turnover by month in ${currency}`,
      [["Month", "text"], ["Invoices", "number"], ...(present.length > 1 ? present.map((system) => [systemName(system), "number"]) : []),
        ["Net turnover", "number"], ["Credit notes in it", "number"], ["VAT", "number"], ["Gross", "number"]],
      months.map((each) => [month(each), ...line(byMonth.get(each), ofSystem(each))]),
      { footer: ["Total", ...line(all, present.map((system) => net(total(turnover, rows.filter((row) => turnover.text("system", row) === system), amounts))))] })),
    unknownAmounts(page, unknown));
  return drawChart(chart, "turnover", months.flatMap((each) => present.map((system, place) => {
    const units = net(bySystem.get(`${each} ${system}`));
    return { name: month(each), group: systemName(system), amount: drawn(units), text: moneyWithCurrency(units, currency), color: color(system), place };
  })), `Net turnover by month${present.length > 1 ? " and system" : ""}, ${filters.periodText}: ${moneyWithCurrency(net(all), currency)} in all. The table below has the numbers.`);
}

/** How many invoices come without amounts: they are in no sum. */
function unknownAmounts(page, unknown) {
  const found = sums(unknown, unknown.where(page.filters.with({ currency: null })), (row) => unknown.text("system", row), [], ["invoices"]);
  if (!found.size) return null;
  const words = [...found].map(([system, sum]) => `${systemName(system)}: ${count(sum.invoices)}`).join(", ");
  return element("p", { class: "note", id: "unknown-amounts" }, `Invoices that come without amounts, and so are in no sum (${words}).`);
}

/** Replace what a place shows. */
function fill(page, place, ...parts) {
  dropCharts(place);
  place.replaceChildren(...parts.filter(Boolean));
}
