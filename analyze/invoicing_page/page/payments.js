// Payments against due dates.

const LATENESS = ["on time", "1-30", "31-60", "61-90", "over 90", "no due date", "written off"];
const LATENESS_NAMES = ["On time", "1–30 days late", "31–60 days late", "61–90 days late", "Over 90 days late", "No due date", "Written off"];
const latenessColor = (place) => [...colors().buckets, colors().none, colors().lost][place];

function showPayments(page) {
  const { filters } = page;
  const { payments } = page.tables;
  const place = byId("payments");
  if (!payments.rows) return fill(page, place, missingPart("payments"));
  const rows = payments.where(filters);
  if (!rows.length) return fill(page, place, noMatch());
  const drawings = [];
  const parts = [["sale", "Received"], ["purchase", "Paid out"]].flatMap(([direction, heading]) => {
    const own = rows.filter((row) => payments.text("direction", row) === direction);
    if (!own.length) return [];
    const chart = element("div", { class: "chart" });
    const [parts, draw] = paymentsOf(page, payments, own, heading, chart);
    drawings.push(draw);
    return parts;
  });
  fill(page, place, ...parts);
  return Promise.all(drawings.map((draw) => draw()));
}

function paymentsOf(page, payments, rows, heading, chart) {
  const currency = page.filters.currencyCode;
  const placeOf = (row) => LATENESS.indexOf(payments.text("lateness", row));
  const byMonth = sums(payments, rows, (row) => payments.number("month", row), ["amount"], ["payments"]);
  const byBoth = sums(payments, rows, (row) => `${payments.number("month", row)} ${placeOf(row)}`, ["amount"]);
  const present = [...new Set(rows.map(placeOf))].sort((a, b) => a - b);
  const months = monthsBetween(Math.min(...byMonth.keys()), Math.max(...byMonth.keys()));
  const timed = rows.filter((row) => placeOf(row) <= 4);
  const dated = total(payments, timed, ["amount", "amount_days"]);
  const onTime = total(payments, rows.filter((row) => placeOf(row) === 0), ["amount"]).amount;
  const days = quotient(dated.amount_days, dated.amount);
  const all = total(payments, rows, ["amount"], ["payments"]);
  const units = (each, index) => byBoth.get(`${each} ${index}`)?.amount ?? 0n;
  const parts = [
    element("h3", {}, heading),
    element("p", { class: "lead" }, days === null ? "None has a due date." : element("span", {},
      `${percent(onTime, dated.amount)} was paid on time. On average, weighted by amount, `, element("data", { value: String(Math.abs(days)) }, oneDecimal(Math.abs(days))), ` days ${days < 0 ? "before" : "after"} the due date.`)),
    legend(present.map((index) => [LATENESS_NAMES[index], latenessColor(index)])),
    chart,
    foldedTable(`${heading}, in numbers`, table(`${heading} by month in ${currency}`,
      [["Month", "text"], ["Payments", "number"], ...present.map((index) => [LATENESS_NAMES[index], "number"]), ["Total", "number"]],
      months.map((each) => [month(each), countData(byMonth.get(each)?.payments ?? 0), ...present.map((index) => amountData(units(each, index), currency)), amountData(byMonth.get(each)?.amount ?? 0n, currency)]),
      { footer: ["Total", countData(all.payments), ...present.map((index) => amountData(total(payments, rows.filter((row) => placeOf(row) === index), ["amount"]).amount, currency)), amountData(all.amount, currency)] })),
  ];
  const draw = () => drawChart(chart, "payments", months.flatMap((each) => present.map((index) => ({
    name: month(each), group: LATENESS_NAMES[index], amount: drawn(units(each, index)), text: moneyWithCurrency(units(each, index), currency), color: latenessColor(index), place: index,
  }))), `${heading} by month and by how late, ${page.filters.periodText}: ${moneyWithCurrency(all.amount, currency)} in all. The table below has the numbers.`);
  return [parts, draw];
}
