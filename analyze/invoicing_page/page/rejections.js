// What the SDI, Italy's exchange of invoices, rejected.

function showRejections(page) {
  const { rejected, invoices } = page.tables;
  const place = byId("rejected");
  const fromSdi = page.content.choices.system.includes("invoicetronic");
  if (!rejected.rows) return fill(page, place, fromSdi && invoices.rows ? element("p", { class: "empty good" }, "The SDI rejected nothing.") : missingPart("rejected"));
  const rows = rejected.where(page.filters.with({ currency: null }));
  if (!rows.length) return fill(page, place, noMatch());
  return fill(page, place, table("Rejected invoices",
    [["Number", "code"], ["Customer", "name"], ["Issued", "day"], ["Gross", "number"], ["What the SDI said", "name"]],
    rows.map((row) => [link(rejected.text("number", row), rejected.text("url", row)), partyName(page, rejected.code("party", row)), date(rejected.number("issued_on", row)),
      element("span", {}, amountData(rejected.amount("gross", row), rejected.text("currency", row)), " ", rejected.text("currency", row)),
      [rejected.text("sdi_status", row), rejected.text("message", row)].filter(Boolean).join(": ")]), { stacks: true }));
}
