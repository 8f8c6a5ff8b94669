// VAT by month and rate, of sales and of purchases: what is reconciled with the registers.

const NO_SUM = { base: 0n, tax: 0n, invoices: 0 };

function showVat(page) {
  const { filters } = page;
  const { vat } = page.tables;
  const place = byId("vat");
  if (!vat.rows) return fill(page, place, missingPart("vat"));
  const rows = vat.where(filters);
  if (!rows.length) return fill(page, place, noMatch());
  const currency = filters.currencyCode;
  const rateOf = (row) => JSON.stringify([vat.text("rate", row), vat.text("category", row), vat.text("exemption", row)]);
  const of = (key) => sums(vat, rows, key, ["base", "tax"], ["invoices"]);
  const byRate = of((row) => `${vat.number("month", row)} ${vat.text("direction", row)} ${rateOf(row)}`);
  const byMonth = of((row) => `${vat.number("month", row)} ${vat.text("direction", row)}`);
  const both = of((row) => vat.text("direction", row));
  const months = monthsBetween(...[Math.min, Math.max].map((pick) => rows.reduce((found, row) => pick(found, vat.number("month", row)), vat.number("month", rows[0]))));
  const rates = [...new Set(rows.map(rateOf))].sort((a, b) => Number(JSON.parse(b)[0]) - Number(JSON.parse(a)[0]) || (a < b ? -1 : 1));
  const line = (sale, purchase) => [sale.base, sale.tax, purchase.base, purchase.tax].map((units) => amountData(units, currency));
  const lines = [...months].reverse().flatMap((each) => {
    const key = (direction, rate) => `${each} ${direction}${rate ? ` ${rate}` : ""}`;
    const ofRates = rates.filter((rate) => byRate.has(key("sale", rate)) || byRate.has(key("purchase", rate)));
    if (!ofRates.length) return [];
    const [sale, purchase] = [byMonth.get(key("sale")) ?? NO_SUM, byMonth.get(key("purchase")) ?? NO_SUM];
    return [
      ...ofRates.map((rate, index) => element("tr", {}, element("th", { scope: "row" }, index ? element("span", { class: "again" }, month(each)) : month(each)), element("td", {}, rateName(...JSON.parse(rate))),
        line(byRate.get(key("sale", rate)) ?? NO_SUM, byRate.get(key("purchase", rate)) ?? NO_SUM).map((cell) => element("td", { class: "number" }, cell)), element("td", {}))),
      element("tr", { class: "sum" }, element("th", { scope: "row" }, month(each)), element("td", {}, "all rates"),
        [...line(sale, purchase), amountData(sale.tax - purchase.tax, currency)].map((cell) => element("td", { class: "number" }, cell))),
    ];
  });
  const [sale, purchase] = [both.get("sale") ?? NO_SUM, both.get("purchase") ?? NO_SUM];
  const chart = element("div", { class: "chart" });
  fill(page, place,
    legend([["VAT on sales", colors().sales], ["VAT on purchases", colors().purchases]]),
    chart,
    foldedTable("VAT by month and rate, in numbers", table(`VAT by month and rate in ${currency}`,
      [["Month", "text"], ["Rate", "text"], ["Sales, base", "number"], ["Sales, VAT", "number"], ["Purchases, base", "number"], ["Purchases, VAT", "number"], ["Sales less purchases", "number"]],
      lines, { footer: ["Total", "all rates", ...line(sale, purchase), amountData(sale.tax - purchase.tax, currency)] })));
  return drawChart(chart, "vat", months.flatMap((each) => [["sale", "VAT on sales", colors().sales], ["purchase", "VAT on purchases", colors().purchases]].map(([direction, group, color]) => {
    const units = (byMonth.get(`${each} ${direction}`) ?? NO_SUM).tax;
    return { name: month(each), group, amount: drawn(units), text: moneyWithCurrency(units, currency), color };
  })), `VAT by month, ${filters.periodText}: ${moneyWithCurrency(sale.tax, currency)} on sales, ${moneyWithCurrency(purchase.tax, currency)} on purchases. The table below has the numbers.`);
}

const CATEGORIES = { S: "", Z: "zero rated", E: "exempt", AE: "reverse charge", K: "intra-EU supply", G: "export", O: "outside the scope", L: "IGIC", M: "IPSI" };

/** A rate in words: "22%", "0% reverse charge (N6.9)". */
function rateName(rate, category, exemption) {
  const number = rate === "" ? "no rate" : `${formatOf("rate", () => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 4 })).format(rate)}%`;
  const word = CATEGORIES[category] ?? category;
  return [number, word, exemption ? `(${exemption})` : ""].filter(Boolean).join(" ");
}
